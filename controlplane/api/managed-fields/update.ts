// Who owns what after a write that is no apply: the writer owns what it changed or added, and nobody what is gone.
import type { Schema } from '../schema/schema.ts';
import { compare } from './compare.ts';
import type { Comparison } from './compare.ts';
import { compareEntries, entryOf, isSameManager, secondsOf } from './entry.ts';
import type { ManagedFieldsEntry } from './entry.ts';
import { difference, intersection, isEmpty, union } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { reconcileFields } from './reconcile.ts';

/** How a write looks at an object. */
export interface Perspective {
  readonly apiVersion: string;
  /** '' for the object itself. */
  readonly subresource: string;
  /** By apiVersion; undefined for a version that is no longer served. */
  readonly schemaOf: (apiVersion: string) => Schema | undefined;
  /** The object in another version, where versions differ in more than their name. */
  readonly inVersion?: (object: unknown, apiVersion: string) => unknown;
  /** Fields that this write cannot set: nobody owns them by it. */
  readonly reset: FieldSet;
  /** Those and the ones that nobody ever owns. */
  readonly excluded: FieldSet;
}

/** What an object that is not there yet is compared with. */
export const NOTHING: unknown = Object.freeze({ metadata: Object.freeze({}) });

export interface Manager {
  readonly name: string;
  /** RFC 3339, seconds. */
  readonly time: string;
}

const MAXIMUM_UPDATERS = 10;
const ANCIENT = 'ancient-changes';

/** @returns the entries after the write, in order; the same list when nothing changed */
export function ownersAfterUpdate(
  perspective: Perspective,
  entries: readonly ManagedFieldsEntry[],
  old: unknown,
  now: unknown,
  manager: Manager,
): readonly ManagedFieldsEntry[] {
  const { apiVersion, subresource, excluded } = perspective;
  const schema = perspective.schemaOf(apiVersion);
  if (schema === undefined) return entries;
  const changes = compare(schema, old, now, excluded);
  const taken = union(changes.modified, changes.added);
  if (isEmpty(taken) && isEmpty(changes.removed)) return entries;
  const own: ManagedFieldsEntry = {
    manager: manager.name === '' ? 'unknown' : manager.name,
    operation: 'Update',
    apiVersion,
    time: manager.time,
    fieldsType: 'FieldsV1',
    fieldsV1: taken,
    ...(subresource === '' ? {} : { subresource }),
  };
  const before = entries.find((entry) => isSameManager(entry, own));
  const rest = before === undefined ? entries : entries.filter((entry) => entry !== before);
  const others = withoutChanges(perspective, rest, old, now, changes);
  if (before === undefined) {
    return isEmpty(taken) ? others : inEntryOrder(capped([...others, entryOf(own)]));
  }
  const kept = difference(reconcileFields(schema, before.fieldsV1), changes.removed);
  const after = withFields(before, union(kept, taken), isEmpty(taken) ? before.time : own.time);
  return inEntryOrder(after === undefined ? others : capped([...others, after]));
}

/** As nearly always, whoever writes again owns already what it writes: then its fields are not put in order anew. */
function withFields(
  before: ManagedFieldsEntry,
  fieldsV1: FieldSet,
  time: string | undefined,
): ManagedFieldsEntry | undefined {
  if (isEmpty(fieldsV1)) return undefined;
  if (fieldsV1 !== before.fieldsV1 || before.time === undefined || time === undefined) {
    return entryOf({ ...before, fieldsV1, ...(time === undefined ? {} : { time }) });
  }
  return time === before.time ? before : { ...before, time };
}

export function inEntryOrder(
  entries: readonly ManagedFieldsEntry[],
): readonly ManagedFieldsEntry[] {
  for (let at = 1; at < entries.length; at += 1) {
    const [before, after] = [entries[at - 1], entries[at]];
    if (before !== undefined && after !== undefined && compareEntries(before, after) > 0) {
      return entries.toSorted(compareEntries);
    }
  }
  return entries;
}

/** What changed for a manager of another version, read by the schema of that version. */
class Versions {
  readonly #perspective: Perspective;
  readonly #old: unknown;
  readonly #now: unknown;
  readonly #known: Map<string, Comparison | undefined>;

  constructor(perspective: Perspective, old: unknown, now: unknown, changes: Comparison) {
    this.#perspective = perspective;
    this.#old = old;
    this.#now = now;
    this.#known = new Map([[perspective.apiVersion, changes]]);
  }

  /** Undefined for a version that is no longer served. */
  changes(apiVersion: string): Comparison | undefined {
    if (!this.#known.has(apiVersion)) {
      const schema = this.#perspective.schemaOf(apiVersion);
      const { excluded, inVersion = asItIs } = this.#perspective;
      const changes =
        schema === undefined
          ? undefined
          : compare(
              schema,
              inVersion(this.#old, apiVersion),
              inVersion(this.#now, apiVersion),
              excluded,
            );
      this.#known.set(apiVersion, changes);
    }
    return this.#known.get(apiVersion);
  }
}

/** Where versions are the same but for their name. */
export function asItIs(object: unknown): unknown {
  return object;
}

/** A field that an apply would take from another manager. */
export interface Contested {
  readonly entry: ManagedFieldsEntry;
  readonly fields: FieldSet;
}

/** What the others own after a change; those that own nothing any more are gone. */
export function withoutChanges(
  perspective: Perspective,
  entries: readonly ManagedFieldsEntry[],
  old: unknown,
  now: unknown,
  changes: Comparison,
  contested?: Contested[],
): readonly ManagedFieldsEntry[] {
  const versions = new Versions(perspective, old, now, changes);
  let isSame = true;
  const rest: ManagedFieldsEntry[] = [];
  for (const entry of entries) {
    const schema = perspective.schemaOf(entry.apiVersion);
    const theirs = versions.changes(entry.apiVersion);
    if (schema === undefined || theirs === undefined) {
      isSame = false;
      continue;
    }
    const before = reconcileFields(schema, entry.fieldsV1);
    const lost = intersection(before, union(theirs.modified, theirs.added));
    if (!isEmpty(lost)) contested?.push({ entry, fields: lost });
    const fields = difference(difference(before, lost), theirs.removed);
    if (fields === entry.fieldsV1) rest.push(entry);
    else isSame = false;
    if (fields !== entry.fieldsV1 && !isEmpty(fields))
      rest.push(entryOf({ ...entry, fieldsV1: fields }));
  }
  return isSame ? entries : rest;
}

/** At most ten updaters: the oldest of each version are put together. */
function capped(entries: readonly ManagedFieldsEntry[]): readonly ManagedFieldsEntry[] {
  const updaters = entries.filter(({ operation }) => operation === 'Update');
  if (updaters.length <= MAXIMUM_UPDATERS) return entries;
  const oldest = updaters.toSorted(
    (a, b) => secondsOf(a) - secondsOf(b) || (identity(a) < identity(b) ? -1 : 1),
  );
  let left = [...entries];
  let count = updaters.length;
  const first = new Map<string, ManagedFieldsEntry>();
  for (const entry of oldest) {
    if (count <= MAXIMUM_UPDATERS) break;
    const { apiVersion } = entry;
    const earlier = first.get(apiVersion);
    if (earlier === undefined) {
      first.set(apiVersion, entry);
      continue;
    }
    const name = {
      manager: ANCIENT,
      operation: 'Update',
      apiVersion,
      fieldsType: 'FieldsV1',
    } as const;
    const known = left.find((other) => isSameManager(other, { ...name, fieldsV1: entry.fieldsV1 }));
    const base = known ?? earlier;
    const bucket = entryOf({
      ...name,
      ...(entry.time === undefined ? {} : { time: entry.time }),
      fieldsV1: union(base.fieldsV1, entry.fieldsV1),
    });
    left = [...left.filter((other) => other !== entry && other !== base), bucket];
    if (base === earlier) first.set(apiVersion, bucket);
    count = left.filter(({ operation }) => operation === 'Update').length;
  }
  return left;
}

function identity({ manager = '', apiVersion, subresource = '' }: ManagedFieldsEntry): string {
  return JSON.stringify([manager, apiVersion, subresource]);
}
