// What the conformance suites are written in: a place for data, short names for records and logs.
import assert from 'node:assert/strict';
import { encodeBatch } from './encoding.ts';
import { parseMachineId } from './machine-id.ts';
import type { MachineId } from './machine-id.ts';
import type { Cursor, LogDump, LogPersistenceProvider, LogRecord } from './provider.ts';

/** Where the provider's instances lie; each call of `open` is a new process's view of the same data. */
export interface ConformanceSite extends AsyncDisposable {
  /** A provider over at least two instances of this site, not initialized. One is open at a time. */
  open(): LogPersistenceProvider;
  /** Changes a byte of a stored value, behind the back of everybody; nothing is open then. Absent where it cannot be done. */
  damage?(instance: string): Promise<void>;
}

export type TestFunction = (name: string, body: () => Promise<void>) => unknown;

export const machine = parseMachineId('00112233445566778899aabbccddeeff') as MachineId;

export interface Opened extends AsyncDisposable {
  readonly provider: LogPersistenceProvider;
  readonly instance: string;
  readonly epoch: number;
  append(...records: readonly LogRecord[]): Promise<void>;
}

/** Opens the site and takes the next epoch of its first instance. */
export async function claim(site: ConformanceSite): Promise<Opened> {
  const provider = site.open();
  await provider.initialize(machine);
  const [instance] = provider.instances();
  assert.ok(instance !== undefined);
  const { epoch } = await provider.claimEpoch(instance);
  return {
    provider,
    instance,
    epoch,
    append: (...records) => provider.append(instance, encodeBatch({ epoch, records })),
    [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
  };
}

export function put(revision: number, key: string, value = `${key}@${revision}`): LogRecord {
  return { revision, kind: 'core/things', key, value: Buffer.from(value) };
}

export function removal(revision: number, key: string): LogRecord {
  return { revision, kind: 'core/things', key };
}

/** `a@1` for a put with that value, `-a@3` for a deletion. */
export async function shown(chunks: AsyncIterable<readonly LogRecord[]>): Promise<string[]> {
  const lines: string[] = [];
  for await (const records of chunks) {
    for (const { key, revision, value } of records) {
      lines.push(value === undefined ? `-${key}@${revision}` : Buffer.from(value).toString());
    }
  }
  return lines;
}

export const never: AbortSignal = new AbortController().signal;

/** A dump that comes in these parts. */
export function dumpOf(cursor: Cursor, ...parts: readonly (readonly LogRecord[])[]): LogDump {
  return { ...cursor, records: inParts(parts) };
}

async function* inParts(
  parts: readonly (readonly LogRecord[])[],
): AsyncIterable<readonly LogRecord[]> {
  for (const part of parts) yield await Promise.resolve(part);
}
