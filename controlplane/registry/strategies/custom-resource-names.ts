// Which of its names a CustomResourceDefinition gets: each one that no other of its group has, for as long as it keeps it
// (upstream's naming controller).
import { listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { sameJSON } from '../equality.ts';
import type { Environment, NamesInUse } from '../environment.ts';

/** A condition without its type and time. */
export interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

const ACCEPTED: Verdict = {
  status: 'True',
  reason: 'NoConflicts',
  message: 'no conflicts found',
};

/** Single names, what they are called in a refusal, and among which they must be alone. */
const SINGLE: readonly (readonly [string, string, keyof NamesInUse])[] = [
  ['plural', 'PluralConflict', 'resources'],
  ['singular', 'SingularConflict', 'resources'],
  ['kind', 'KindConflict', 'kinds'],
  ['listKind', 'ListKindConflict', 'kinds'],
];

/**
 * The names for `status.acceptedNames`, and the condition NamesAccepted. A name that is refused leaves the one that was accepted before;
 * of several refusals the last is told.
 */
export function acceptNames(
  object: KubernetesObject,
  old: KubernetesObject | undefined,
  env: Environment,
): { readonly names: Readonly<Record<string, unknown>>; readonly verdict: Verdict } {
  const wanted = objectAt(object, 'spec', 'names');
  const before = objectAt(old, 'status', 'acceptedNames');
  const inUse = namesInUse(object, env);
  const refusals = new Map<string, Verdict>();
  const refuse = (reason: string, names: readonly string[]): void => {
    const texts = names.map((name) => `${JSON.stringify(name)} is already in use`);
    const message = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
    refusals.set(reason, { status: 'False', reason, message });
  };
  const names: Record<string, unknown> = { plural: '', kind: '', ...before };
  for (const [field, reason, among] of SINGLE) {
    const name = stringAt(wanted, field);
    if (name !== stringAt(before, field) && inUse[among].has(name)) refuse(reason, [name]);
    else if (name !== '') names[field] = name;
  }
  const shortNames = listAt(wanted, 'shortNames').map(String);
  const shortBefore = listAt(before, 'shortNames').map(String);
  if (!sameJSON(shortNames, shortBefore)) {
    const taken = shortNames.filter(
      (name) => !shortBefore.includes(name) && inUse.resources.has(name),
    );
    if (taken.length > 0) refuse('ShortNamesConflict', taken);
    else set(names, 'shortNames', shortNames);
  }
  set(names, 'categories', listAt(wanted, 'categories'));
  return { names, verdict: lastOf(refusals) ?? ACCEPTED };
}

const ORDER = [
  'ListKindConflict',
  'KindConflict',
  'ShortNamesConflict',
  'SingularConflict',
  'PluralConflict',
];

function lastOf(refusals: ReadonlyMap<string, Verdict>): Verdict | undefined {
  return refusals.get(ORDER.find((reason) => refusals.has(reason)) ?? '');
}

function set(names: Record<string, unknown>, field: string, list: readonly unknown[]): void {
  if (list.length === 0) delete names[field];
  else names[field] = list;
}

/** Of the other definitions of the group, and of what the server itself serves in it. */
function namesInUse(object: KubernetesObject, env: Environment): NamesInUse {
  const group = stringAt(object, 'spec', 'group');
  const { resources, kinds } = env.customResources.acceptedNames(group, object.metadata.name ?? '');
  const own = env.scheme
    .definitions()
    .filter((other) => other.group === group && (!other.custom || other.isVirtual === true));
  return {
    resources: new Set([
      ...resources,
      ...own.flatMap(({ resource, singular, shortNames }) => [resource, singular, ...shortNames]),
    ]),
    kinds: new Set([...kinds, ...own.flatMap(({ kind, listKind }) => [kind, listKind])]),
  };
}
