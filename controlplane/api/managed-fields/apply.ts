// Server-side apply: merges a configuration into the live object, takes out what its manager no longer names, and says who owns
// what then. Behaviour as of Kubernetes' structured merge and diff, by our own schemas.
import { equalJson, isJsonObject } from '../schema/json-value.ts';
import type { Schema } from '../schema/schema.ts';
import { compare } from './compare.ts';
import { configuredFields } from './configured.ts';
import { applyConflict } from './conflict.ts';
import { entryOf, isSameManager } from './entry.ts';
import type { ManagedFieldsEntry } from './entry.ts';
import { difference, isEmpty } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { fieldsOfLastApplied } from './last-applied.ts';
import { mergeConfiguration } from './merge.ts';
import { pruneFields } from './prune.ts';
import { reconcileFields } from './reconcile.ts';
import { untracked } from './untracked.ts';
import { inEntryOrder, NOTHING, ownersAfterUpdate, withoutChanges } from './update.ts';
import type { Contested, Manager, Perspective } from './update.ts';

export interface Configuration {
  readonly object: unknown;
  readonly manager: Manager;
  /** Takes fields from others instead of refusing. */
  readonly force: boolean;
}

export interface Applied {
  /** Shares parts with the live object and the configuration; metadata.managedFields is not in it. */
  readonly object: unknown;
  readonly entries: readonly ManagedFieldsEntry[];
}

/** Owns what was there before anybody applied. */
const BEFORE = 'before-first-apply';
/** The manager of `kubectl apply --server-side`, which may come after kubectl's older apply. */
export const KUBECTL = 'kubectl';

/**
 * @param live without metadata.managedFields; for an object that is not there yet, one without anything
 * @throws ApiError Conflict
 */
export function applyConfiguration(
  perspective: Perspective,
  live: unknown,
  known: readonly ManagedFieldsEntry[],
  { object: config, manager, force }: Configuration,
): Applied {
  const schema = schemaOf(perspective);
  const entries = known.length === 0 ? ownersBefore(perspective, live, manager) : known;
  const current = configuredFields(schema, config, perspective.reset);
  const before = currentEntries(perspective, entries);
  const identity = ownEntry(perspective, manager, current);
  const last = before.find((entry) => isSameManager(entry, identity));
  const merged = mergeConfiguration(schema, live, config);
  const all = [...before.filter((entry) => entry !== last), identity];
  const pruned = last === undefined ? merged : pruneFields(perspective, merged, last, current, all);
  const object = pruned ?? {};
  const others = before.filter((entry) => entry !== last);
  const contested: Contested[] = [];
  const changes = compare(schema, live, object, perspective.excluded);
  const rest = withoutChanges(perspective, others, live, object, changes, contested);
  if (!force && contested.length > 0) {
    const left = notLastApplied(schema, perspective.apiVersion, live, manager, contested);
    if (left.length > 0) throw applyConflict(left);
  }
  const isChanged = !equalJson(live, object);
  const fieldsV1 = difference(current, untracked);
  const time = isChanged ? manager.time : last?.time;
  const own = { ...identity, fieldsV1, ...(time === undefined ? {} : { time }) };
  const { time: _time, ...timeless } = own;
  const entry = entryOf(time === undefined ? timeless : own);
  return { object, entries: inEntryOrder(isEmpty(fieldsV1) ? rest : [...rest, entry]) };
}

function schemaOf({ schemaOf: lookUp, apiVersion }: Perspective): Schema {
  const schema = lookUp(apiVersion);
  if (schema === undefined) throw new TypeError(`no schema of ${apiVersion}`);
  return schema;
}

function ownEntry(
  { apiVersion, subresource }: Perspective,
  manager: Manager,
  fieldsV1: FieldSet,
): ManagedFieldsEntry {
  return {
    manager: manager.name,
    operation: 'Apply',
    apiVersion,
    time: manager.time,
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...(subresource === '' ? {} : { subresource }),
  };
}

function ownersBefore(
  perspective: Perspective,
  live: unknown,
  { time }: Manager,
): readonly ManagedFieldsEntry[] {
  return ownersAfterUpdate(perspective, [], NOTHING, live, { name: BEFORE, time });
}

/** By today's schemas; those of versions that are not served any more are gone. */
function currentEntries(
  { schemaOf: lookUp }: Perspective,
  entries: readonly ManagedFieldsEntry[],
): readonly ManagedFieldsEntry[] {
  return entries.flatMap((entry) => {
    const schema = lookUp(entry.apiVersion);
    if (schema === undefined) return [];
    const fieldsV1 = reconcileFields(schema, entry.fieldsV1);
    return [fieldsV1 === entry.fieldsV1 ? entry : { ...entry, fieldsV1 }];
  });
}

/** What is still contested when kubectl may take what its older apply set and nobody has changed since. */
function notLastApplied(
  schema: Schema,
  apiVersion: string,
  live: unknown,
  manager: Manager,
  contested: readonly Contested[],
): readonly Contested[] {
  if (manager.name !== KUBECTL || !isJsonObject(live)) return contested;
  const allowed = fieldsOfLastApplied(schema, apiVersion, live);
  if (allowed === undefined) return contested;
  return contested.flatMap(({ entry, fields }) => {
    const left = difference(fields, allowed);
    return isEmpty(left) ? [] : [{ entry, fields: left }];
  });
}
