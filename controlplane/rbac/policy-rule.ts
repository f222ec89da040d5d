// One rule of a role: the words of PolicyRule, and the same made ready to be asked a hundred thousand times a second.
import { listAt } from '../api/fields.ts';
import type { Attributes } from '../identity/authorizer.ts';

export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** The rules of a stored Role or ClusterRole. */
export function rulesOf(role: unknown): readonly PolicyRule[] {
  return listAt(role, 'rules').map((rule) => {
    const texts = (field: string): readonly string[] => listAt(rule, field).map(String);
    const optional = ['apiGroups', 'resources', 'resourceNames', 'nonResourceURLs'] as const;
    return {
      verbs: texts('verbs'),
      ...Object.fromEntries(
        optional.map((field) => [field, texts(field)]).filter(([, list]) => list?.length !== 0),
      ),
    };
  });
}

/** undefined stands for `*`. */
type Words = ReadonlySet<string> | undefined;

function wordsOf(list: readonly string[] | undefined): Words {
  return list?.includes('*') === true ? undefined : new Set(list);
}

/** A rule that answers whether it allows a request. */
export class CompiledRule {
  readonly #verbs: Words;
  readonly #groups: Words;
  readonly #resources: Words;
  /** Subresources of `*`+`/scale`. */
  readonly #ofAnyResource: ReadonlySet<string>;
  readonly #names: ReadonlySet<string>;
  readonly #paths: readonly string[];

  constructor(rule: PolicyRule) {
    this.#verbs = wordsOf(rule.verbs);
    this.#groups = wordsOf(rule.apiGroups);
    this.#resources = wordsOf(rule.resources);
    this.#ofAnyResource = new Set(
      rule.resources
        ?.filter((resource) => resource.startsWith('*/'))
        .map((resource) => resource.slice(2)),
    );
    this.#names = new Set(rule.resourceNames);
    this.#paths = rule.nonResourceURLs ?? [];
  }

  allowsResource(attributes: Attributes, combined: string): boolean {
    const { verb, group, name, subresource } = attributes;
    return (
      (this.#verbs === undefined || this.#verbs.has(verb)) &&
      (this.#groups === undefined || this.#groups.has(group)) &&
      (this.#resources === undefined ||
        this.#resources.has(combined) ||
        (subresource !== '' && this.#ofAnyResource.has(subresource))) &&
      (this.#names.size === 0 || this.#names.has(name))
    );
  }

  allowsPath({ verb, path }: Attributes): boolean {
    if (this.#verbs !== undefined && !this.#verbs.has(verb)) return false;
    return this.#paths.some((pattern) => coversPath(pattern, path));
  }
}

/** `*`, the path itself, or a prefix that ends in `*`. */
export function coversPath(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, ''));
}

/** `pods` or `pods/log`. */
export function combinedResource({ resource, subresource }: Attributes): string {
  return subresource === '' ? resource : `${resource}/${subresource}`;
}
