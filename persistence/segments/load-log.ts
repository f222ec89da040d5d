// Opening a log: the newest snapshot that verifies, then every segment after it. Damage is refused with the name of the blob, not
// skipped; only what nobody can have relied on is left out (see log-tail.ts).
import { CorruptDataError } from '../errors.ts';
import type { BlobStore } from './blob-store.ts';
import { EPOCHS, WAL, numberIn, segmentName } from './blob-names.ts';
import { damageIn, findSnapshots, manifestNames } from './find-snapshots.ts';
import type { NamedCandidate } from './find-snapshots.ts';
import type { LogState, Snapshot } from './log-state.ts';
import { withSegment } from './log-state.ts';
import { GENESIS, LogTail } from './log-tail.ts';
import { readAhead } from './read-ahead.ts';
import type { NamedSnapshot } from './segment.ts';

const ATTEMPTS = 10;

/** The newest epoch that was claimed, 0 for none. */
export async function newestEpoch(store: BlobStore): Promise<number> {
  let newest = 0;
  for await (const { name } of store.list(EPOCHS)) newest = Math.max(newest, numberIn(name) ?? 0);
  return newest;
}

/** @throws CorruptDataError naming the first damage */
export async function loadLog(store: BlobStore): Promise<LogState> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await outlineOf(store);
    try {
      return await load(store);
    } catch (error) {
      if (!(error instanceof CorruptDataError) || attempt === ATTEMPTS) throw error;
      // Whoever holds the log may have compacted it under our eyes.
      if (before === (await outlineOf(store))) throw error;
    }
  }
}

/** Changes whenever a snapshot is named and whenever something is deleted. */
async function outlineOf(store: BlobStore): Promise<string> {
  const segments = await segmentsAfter(store, 0);
  const ends = [segments[0]?.number, segments.at(-1)?.number];
  return [...(await manifestNames(store)), ...ends].join(' ');
}

async function load(store: BlobStore): Promise<LogState> {
  const damage: string[] = [];
  const candidates = await findSnapshots(store, damage);
  for (const [index, candidate] of candidates.entries()) {
    const why = await damageIn(store, candidate);
    if (why === undefined) {
      const { older } = candidate.segment.header.snapshot ?? {};
      const found = candidates.slice(index + 1).find(({ name }) => name === older);
      return walk(store, candidate, found, damage[0]);
    }
    damage.push(why);
  }
  return walk(store, undefined, undefined, damage[0]);
}

/** @param cause what is wrong with a newer snapshot: if this one does not do, that is what to mend */
async function walk(
  store: BlobStore,
  candidate: NamedCandidate | undefined,
  older: Snapshot | undefined,
  cause: string | undefined,
): Promise<LogState> {
  try {
    return await walkFrom(store, candidate, older);
  } catch (error) {
    if (!(error instanceof CorruptDataError)) throw error;
    throw damaged(store, cause ?? error.message);
  }
}

async function walkFrom(
  store: BlobStore,
  candidate: NamedCandidate | undefined,
  older: Snapshot | undefined,
): Promise<LogState> {
  const manifest = candidate?.manifest;
  const position = manifest?.after ?? candidate?.position ?? GENESIS;
  let state: LogState = {
    snapshot: candidate,
    older,
    changes: [...(manifest?.history ?? [])],
    tail: new LogTail(position),
    epoch: Math.max(await newestEpoch(store), position.epoch),
    revision: manifest?.revision ?? 0,
  };
  const { tail } = state;
  const segments = await segmentsAfter(store, position.segment);
  for await (const { wanted, body } of readAhead(store, segments)) {
    while (tail.next < wanted.number) tail.addMissing();
    if (body === undefined) tail.addMissing();
    else state = added(state, body);
  }
  // The list may be older than the newest of them.
  for (;;) {
    const found = await store.get(segmentName(tail.next));
    if (found === undefined) break;
    state = added(state, found.body);
  }
  tail.finish(segmentName);
  return state;
}

async function segmentsAfter(store: BlobStore, segment: number) {
  const segments: { name: string; bytes: number; number: number }[] = [];
  for await (const { name, size } of store.list(WAL, segmentName(segment))) {
    const number = numberIn(name);
    if (number !== undefined && number > segment) segments.push({ name, bytes: size, number });
  }
  return segments;
}

function added(state: LogState, body: Uint8Array): LogState {
  const verdict = state.tail.add(body);
  if (verdict.kind !== 'accepted') return state;
  const { segment, snapshot: named } = verdict.segment.header;
  const from = state.snapshot;
  const isLater = segment > (from?.manifest.segment ?? 0);
  if (named !== undefined && isLater && !isReadableFrom(named, from?.name)) {
    throw new CorruptDataError(`${named.manifest}: it is missing or damaged`);
  }
  return withSegment(state, verdict.segment);
}

/** Whether a log in which a later snapshot was named can be read on from what it was read from so far. */
function isReadableFrom({ older, isReset }: NamedSnapshot, from: string | undefined): boolean {
  return !isReset && older === from;
}

/**
 * Adds what others have written since.
 *
 * @returns undefined when the log must be loaded anew
 */
export async function advance(store: BlobStore, state: LogState): Promise<LogState | undefined> {
  const [first] = await segmentsAfter(store, state.tail.next - 1);
  if (first !== undefined && first.number !== state.tail.next) return undefined;
  let next: LogState = { ...state, epoch: Math.max(state.epoch, await newestEpoch(store)) };
  for (;;) {
    const found = await store.get(segmentName(state.tail.next));
    if (found === undefined) return next;
    const verdict = state.tail.add(found.body);
    if (verdict.kind === 'suspect') return undefined;
    if (verdict.kind !== 'accepted') continue;
    // What we read from may be about to be deleted.
    if (verdict.segment.header.snapshot !== undefined) return undefined;
    next = withSegment(next, verdict.segment);
  }
}

function damaged(store: BlobStore, what: string): CorruptDataError {
  return new CorruptDataError(
    `Cannot read ${store.location}: ${what}; restore it from a backup, or put it aside and start empty`,
  );
}
