// The snapshots that a log can be read from: those that a segment of it names. Others are what an interrupted or barred writer left.
import { CorruptDataError } from '../errors.ts';
import type { BlobStore } from './blob-store.ts';
import { SNAPSHOTS, isManifest, segmentName } from './blob-names.ts';
import { positionOf } from './log-state.ts';
import type { Snapshot } from './log-state.ts';
import { readAhead } from './read-ahead.ts';
import { parseSegment } from './segment.ts';
import type { Segment } from './segment.ts';
import { digest, parseManifest, partsOf } from './snapshot.ts';

export interface NamedCandidate extends Snapshot {
  /** The segment that names it. */
  readonly segment: Segment;
}

/** Manifests that are there, in order. */
export async function manifestNames(store: BlobStore): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name } of store.list(SNAPSHOTS)) if (isManifest(name)) names.push(name);
  return names;
}

/** Newest first. What cannot be read is told in `damage`. */
export async function findSnapshots(
  store: BlobStore,
  damage: string[],
): Promise<readonly NamedCandidate[]> {
  const names = (await manifestNames(store)).map((name) => ({ name, bytes: 0 }));
  const candidates: NamedCandidate[] = [];
  for await (const { wanted, body } of readAhead(store, names)) {
    if (body === undefined) continue;
    try {
      const manifest = parseManifest(body);
      const segment = await readSegment(store, manifest.segment);
      if (segment?.header.snapshot?.sha256 !== digest(body)) continue;
      candidates.push({ name: wanted.name, manifest, position: positionOf(segment), segment });
    } catch (error) {
      if (!(error instanceof CorruptDataError)) throw error;
      damage.push(`${wanted.name}: ${error.message}`);
    }
  }
  return candidates.toSorted((left, right) => right.manifest.segment - left.manifest.segment);
}

async function readSegment(store: BlobStore, number: number): Promise<Segment | undefined> {
  const found = await store.get(segmentName(number));
  if (found === undefined) return undefined;
  const parsed = parseSegment(found.body, number);
  return parsed.state === 'whole' ? parsed.segment : undefined;
}

/** What is wrong with the parts of a snapshot; undefined when all are as they were written. */
export async function damageIn(
  store: BlobStore,
  { manifest }: NamedCandidate,
): Promise<string | undefined> {
  for await (const { wanted, body } of readAhead(store, partsOf(manifest))) {
    if (body === undefined) return `${wanted.name}: it is missing`;
    if (digest(body) !== wanted.sha256) return `${wanted.name}: its checksum is wrong`;
  }
  return undefined;
}
