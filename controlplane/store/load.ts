// The start: reads the log once, in order. What lies at or before the compacted revision is the state then; each change after
// it is also history, so that watches of clients survive a restart.
import { CorruptDataError } from '#persistence/errors.ts';
import { CEILING_KIND } from '#persistence/log.ts';
import type { PersistenceLog } from '#persistence/log.ts';
import type { Cursor, LogRecord } from '#persistence/provider.ts';
import { noCeiling, parseCeiling } from './ceiling.ts';
import type { Ceiling } from './ceiling.ts';
import { parseStorageKey, sortKey } from './keys.ts';
import type { ResourceState } from './resource-state.ts';
import { encodeObject, IndexedObject, parseObject } from './stored-object.ts';
import type { Transformer } from './transformer.ts';
import type { Revision } from './types.ts';

export interface LoadOptions {
  readonly log: PersistenceLog;
  readonly cursor: Cursor;
  readonly transformer: Transformer;
  readonly signal: AbortSignal;
  /** Milliseconds that loaded history counts its age from. */
  readonly now: number;
  /** The state of a resource, made when first asked for. */
  resource(kind: string): ResourceState;
}

export interface Loaded {
  /** The newest revision of an object. */
  readonly newest: Revision;
  readonly ceiling: Ceiling;
}

/** @throws CorruptDataError, and what the transformer throws when it cannot decrypt */
export async function loadObjects(options: LoadOptions): Promise<Loaded> {
  let newest = 0;
  let ceiling = noCeiling;
  for await (const records of options.log.replay(options.signal)) {
    await options.transformer.prepare?.(records);
    for (const record of records) {
      if (record.kind === CEILING_KIND) {
        if (record.value !== undefined) ceiling = parseCeiling(record.value);
        continue;
      }
      apply(record, options);
      newest = record.revision;
    }
  }
  await options.transformer.loaded?.();
  return { newest, ceiling };
}

function apply(record: LogRecord, options: LoadOptions): void {
  const { revision } = record;
  const { namespace, name } = parseStorageKey(record.key);
  const state = options.resource(record.kind);
  const key = sortKey(namespace, name);
  const identity = { namespace, name, revision };
  if (record.value === undefined) {
    const previous = state.table.get(key);
    if (previous === undefined) return;
    if (revision <= options.cursor.compacted) {
      state.table.delete(key);
      return;
    }
    // The log keeps no last state for deletions: it is the one before, at the deletion's revision.
    const last = parseObject(previous.bytes);
    last.metadata.resourceVersion = String(revision);
    const object = new IndexedObject(identity, encodeObject(last), state.table.index);
    state.apply(key, object, true, options.now);
    return;
  }
  const bytes = asBuffer(
    options.transformer.fromStorage(record.kind, record.key, record.value, revision),
  );
  if (bytes[0] !== 0x7b) {
    throw new CorruptDataError(
      `Cannot load ${record.kind} ${record.key} at revision ${revision}: it is not a JSON object`,
    );
  }
  const object = new IndexedObject(identity, bytes, state.table.index);
  if (revision <= options.cursor.compacted) state.table.set(key, object);
  else state.apply(key, object, false, options.now);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
