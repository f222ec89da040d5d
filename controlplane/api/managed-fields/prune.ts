// What a manager applied before and does not name any more goes away, unless somebody else owns it.
import { configuredFields } from './configured.ts';
import type { ManagedFieldsEntry } from './entry.ts';
import { difference, intersection, isEmpty, LEAF, union } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { withNamedFields } from './reconcile.ts';
import { removeFields } from './remove.ts';
import { asItIs } from './update.ts';
import type { Perspective } from './update.ts';
import type { Schema } from '../schema/schema.ts';

/**
 * @param wanted with the new configuration in it
 * @param last what the manager owned by its last apply
 * @param entries of all managers, that of the applying one with what it owns now
 */
export function pruneFields(
  { schemaOf, apiVersion: own, inVersion = asItIs }: Perspective,
  wanted: unknown,
  last: ManagedFieldsEntry,
  current: FieldSet,
  entries: readonly ManagedFieldsEntry[],
): unknown {
  const schema = schemaOf(last.apiVersion);
  if (schema === undefined || isEmpty(difference(last.fieldsV1, current))) return wanted;
  const merged = inVersion(wanted, last.apiVersion);
  const lastFields = withNamedFields(schema, last.fieldsV1);
  let pruned = removeFields(schema, merged, lastFields);
  for (const [apiVersion, owned] of ownedByVersion(entries, last.apiVersion)) {
    const its = schemaOf(apiVersion);
    if (its === undefined) continue;
    const theirs = addBack(
      its,
      inVersion(merged, apiVersion),
      inVersion(pruned, apiVersion),
      owned,
    );
    pruned = inVersion(theirs, last.apiVersion);
  }
  const gone = difference(fieldsOf(schema, merged), fieldsOf(schema, pruned));
  return inVersion(removeFields(schema, merged, intersection(gone, lastFields)), own);
}

/** What all managers own together, by version; that of the last apply first. */
function ownedByVersion(
  entries: readonly ManagedFieldsEntry[],
  first: string,
): ReadonlyMap<string, FieldSet> {
  const owned = new Map<string, FieldSet>([[first, LEAF]]);
  for (const { apiVersion, fieldsV1 } of entries) {
    owned.set(apiVersion, union(owned.get(apiVersion) ?? LEAF, fieldsV1));
  }
  return owned;
}

function addBack(schema: Schema, merged: unknown, pruned: unknown, owned: FieldSet): unknown {
  const kept = union(fieldsOf(schema, pruned), withNamedFields(schema, owned));
  return removeFields(schema, merged, difference(fieldsOf(schema, merged), kept));
}

function fieldsOf(schema: Schema, object: unknown): FieldSet {
  return withNamedFields(schema, configuredFields(schema, object));
}
