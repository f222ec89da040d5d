// From one log into another: the changes that it lacks, or the whole.
import { atEpoch, encodeBatch, revisionsOf } from '../encoding.ts';
import { CompactedError } from '../errors.ts';
import type { LogRecord } from '../provider.ts';
import { markUnfinished } from '../unfinished.ts';
import type { ManagedInstance } from './instance.ts';

/** Reading the log that is copied from failed: nothing that the log copied to can be blamed for. */
export class SourceFailedError extends Error {
  constructor(cause: unknown) {
    super(`Cannot copy: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'SourceFailedError';
  }
}

export interface Copying {
  readonly source: ManagedInstance;
  readonly target: ManagedInstance;
  /** The epoch that is held on the target. */
  readonly token: number;
  readonly signal: AbortSignal;
}

/**
 * Appends to the target what the source has after `from`.
 *
 * @returns the newest revision that the target has now
 * @throws CompactedError when the source's history no longer reaches back, SourceFailedError, and what append() throws
 */
export async function copyChanges(
  { source, target, token, signal }: Copying,
  from: number,
): Promise<number> {
  let reached = from;
  for await (const batch of changesFrom({ source, token }, from)) {
    signal.throwIfAborted();
    const { last } = revisionsOf(batch);
    await target.provider.append(target.name, batch);
    reached = last;
  }
  return reached;
}

/**
 * What the source has after a revision, ready to be appended by whoever holds the epoch `token`. Where the source has it encoded nothing
 * is decoded: a replica that reads much would otherwise cost the serving thread more than what it reads cost when it was written.
 *
 * @throws as readFrom(), and SourceFailedError
 */
export async function* changesFrom(
  { source: { name, provider }, token }: Pick<Copying, 'source' | 'token'>,
  from: number,
): AsyncIterable<ArrayBuffer> {
  if (provider.batchesFrom === undefined) {
    for await (const records of reading(provider.readFrom(name, from)))
      yield encodeBatch({ epoch: token, records });
    return;
  }
  for await (const batch of reading(provider.batchesFrom(name, from))) yield atEpoch(batch, token);
}

/**
 * Makes the target a copy of the source as it is now, all or nothing. The source must not be compacted meanwhile. An empty target has a
 * mark until then: whoever is killed leaves nothing that a start could take for a place to begin in.
 *
 * @param cluster whose state it is
 * @returns the newest revision that the target has now
 * @throws SourceFailedError, and what restore() throws
 */
export async function copyWhole(
  { source, target, token, signal }: Copying,
  cluster: string,
): Promise<number> {
  const { revision, compacted } = await source.provider
    .cursor(source.name)
    .catch((error: unknown) => Promise.reject(new SourceFailedError(error)));
  if (target.keepsLog) await markUnfinished(target, token, `a copy of ${source.location}`, cluster);
  const records = through(reading(source.provider.replay(source.name, signal)), revision);
  await target.provider.restore(target.name, { epoch: token, revision, compacted, records });
  return revision;
}

/** Pages of the source, whose failures are told apart from those of the target. */
async function* reading<T>(pages: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* pages;
  } catch (error) {
    throw error instanceof CompactedError ? error : new SourceFailedError(error);
  }
}

/** Writes go on while a copy is made: what comes later is not part of it. */
async function* through(
  pages: AsyncIterable<readonly LogRecord[]>,
  last: number,
): AsyncIterable<readonly LogRecord[]> {
  for await (const records of pages) {
    const wanted = records.filter(({ revision }) => revision <= last);
    if (wanted.length > 0) yield wanted;
    if (wanted.length < records.length) return;
  }
}
