// Are all rights of some rules among those of others? Asked when somebody hands out rights: nobody gives more than they have.
import { coversPath } from './policy-rule.ts';
import type { PolicyRule } from './policy-rule.ts';

/** A rule that is about more single rights than this is covered by one rule as a whole, or not at all: the work has an end. */
const MOST_RIGHTS = 20_000;

/** What of `wanted` no rule of `held` gives, each as a rule about one right; empty when everything is covered. */
export function missingRules(
  held: readonly PolicyRule[],
  wanted: readonly PolicyRule[],
): readonly PolicyRule[] {
  return wanted.flatMap((rule) => {
    if (held.some((owner) => covers(owner, rule))) return [];
    if (countOf(rule) > MOST_RIGHTS) return [rule];
    return singleRights(rule).filter((right) => !held.some((owner) => covers(owner, right)));
  });
}

function countOf({
  verbs,
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
}: PolicyRule): number {
  const names = Math.max(resourceNames.length, 1);
  return verbs.length * (apiGroups.length * resources.length * names + nonResourceURLs.length);
}

function singleRights({
  verbs,
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
}: PolicyRule): readonly PolicyRule[] {
  const names = resourceNames.length === 0 ? [undefined] : resourceNames;
  const rights: PolicyRule[] = [];
  for (const group of apiGroups) {
    for (const resource of resources) {
      for (const verb of verbs) {
        for (const name of names) {
          rights.push({
            verbs: [verb],
            apiGroups: [group],
            resources: [resource],
            ...(name === undefined ? {} : { resourceNames: [name] }),
          });
        }
      }
    }
  }
  for (const path of nonResourceURLs) {
    for (const verb of verbs) rights.push({ verbs: [verb], nonResourceURLs: [path] });
  }
  return rights;
}

function covers(owner: PolicyRule, rule: PolicyRule): boolean {
  const ownerNames = owner.resourceNames ?? [];
  const names = rule.resourceNames ?? [];
  const coversNames =
    ownerNames.length === 0 ||
    (names.length > 0 && names.every((name) => ownerNames.includes(name)));
  return (
    coversNames &&
    coversWords(owner.verbs, rule.verbs) &&
    coversWords(owner.apiGroups ?? [], rule.apiGroups ?? []) &&
    (rule.resources ?? []).every((resource) => coversResource(owner.resources ?? [], resource)) &&
    (rule.nonResourceURLs ?? []).every((path) =>
      (owner.nonResourceURLs ?? []).some((pattern) => coversPath(pattern, path)),
    )
  );
}

function coversWords(owner: readonly string[], words: readonly string[]): boolean {
  return owner.includes('*') || words.every((word) => owner.includes(word));
}

function coversResource(owner: readonly string[], resource: string): boolean {
  if (owner.includes('*') || owner.includes(resource)) return true;
  const slash = resource.indexOf('/');
  return slash >= 0 && owner.includes(`*${resource.slice(slash)}`);
}

/** One line per missing right, those of one resource together, in order: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function describeRules(rules: readonly PolicyRule[]): string {
  return [...new Set(compact(rules).map(describe))].toSorted().join('\n');
}

/** Rules about one resource (of one name) become one rule with all their verbs. */
function compact(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  const result = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const { verbs, ...about } = rule;
    const isSimple =
      about.apiGroups?.length === 1 &&
      about.resources?.length === 1 &&
      (about.resourceNames?.length ?? 0) <= 1 &&
      about.nonResourceURLs === undefined;
    const key = JSON.stringify(isSimple ? about : rule);
    const known = result.get(key);
    result.set(key, known === undefined ? rule : { ...known, verbs: [...known.verbs, ...verbs] });
  }
  return [...result.values()];
}

function describe(rule: PolicyRule): string {
  const parts = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ] as const;
  const shown = parts.flatMap(([word, list = []]) =>
    list.length === 0 ? [] : [`${word}:${quotedList(list)}`],
  );
  return `{${shown.join(', ')}}`;
}

/** `["a" "b"]`, as Go prints a list of strings. */
export function quotedList(list: readonly string[]): string {
  return `[${list.map((text) => JSON.stringify(text)).join(' ')}]`;
}
