// /scale shows one field of an object under another name, and its owners with it: who scales owns the count, and who owned it
// in the object may be in conflict with an apply of a Scale.
import { entryOf } from './entry.ts';
import type { ManagedFieldsEntry } from './entry.ts';
import { difference, has, isEmpty, setOf } from './field-set.ts';
import { fieldElement } from './path-element.ts';
import { inEntryOrder } from './update.ts';

export const SCALE_VERSION = 'autoscaling/v1';

const IN_SCALE = ['f:spec', 'f:replicas'];

/** The path of the count in an object of an apiVersion, as elements; undefined when that has none. */
export type CountPath = (apiVersion: string) => readonly string[] | undefined;

/** `.spec.replicas` as elements. */
export function countPath(path: string): readonly string[] {
  return path
    .split('.')
    .filter((name) => name !== '')
    .map(fieldElement);
}

/** Who owns the count, as entries of a Scale. */
export function ownersOfScale(
  entries: readonly ManagedFieldsEntry[],
  pathOf: CountPath,
): readonly ManagedFieldsEntry[] {
  return entries.flatMap((entry) => {
    const path = pathOf(entry.apiVersion);
    if (path === undefined || !has(entry.fieldsV1, path)) return [];
    return [{ ...entry, apiVersion: SCALE_VERSION, fieldsV1: setOf(IN_SCALE) }];
  });
}

/**
 * The entries of the object after a write of its Scale.
 *
 * @param scale the entries of the Scale after the write
 * @param apiVersion that the object was addressed with
 */
export function ownersAfterScale(
  entries: readonly ManagedFieldsEntry[],
  scale: readonly ManagedFieldsEntry[],
  apiVersion: string,
  pathOf: CountPath,
): readonly ManagedFieldsEntry[] {
  const owning = scale.filter(({ fieldsV1 }) => has(fieldsV1, IN_SCALE));
  const kept = new Set<ManagedFieldsEntry>();
  const parents = entries.flatMap((entry) => {
    const path = pathOf(entry.apiVersion);
    if (path === undefined || !has(entry.fieldsV1, path)) return [entry];
    const still = owning.find((other) => isSameOwner(entry, other));
    if (still !== undefined) {
      kept.add(still);
      return [still.time === entry.time ? entry : entryOf({ ...entry, ...timeOf(still) })];
    }
    const fieldsV1 = difference(entry.fieldsV1, setOf(path));
    return isEmpty(fieldsV1) ? [] : [entryOf({ ...entry, fieldsV1 })];
  });
  const path = pathOf(apiVersion) ?? [];
  const scalers = owning
    .filter((entry) => !kept.has(entry))
    .map((entry) => entryOf({ ...entry, apiVersion, fieldsV1: setOf(path) }));
  return inEntryOrder([...parents, ...scalers]);
}

function timeOf({ time }: ManagedFieldsEntry): Pick<ManagedFieldsEntry, 'time'> {
  return time === undefined ? {} : { time };
}

function isSameOwner(left: ManagedFieldsEntry, right: ManagedFieldsEntry): boolean {
  return (
    left.manager === right.manager &&
    left.operation === right.operation &&
    left.subresource === right.subresource
  );
}
