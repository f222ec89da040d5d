// A snapshot: a manifest that names its parts and their checksums. `base` holds objects, each once, at its revision; `deltas` the
// newest change of each object since, so that compaction need not write everything anew; `history` changes that came with a
// restored log. All in the order of revisions. Parts may be shared with an earlier snapshot.
import { createHash } from 'node:crypto';
import { CorruptDataError } from '../errors.ts';
import type { LogRecord } from '../provider.ts';
import type { BlobStore } from './blob-store.ts';
import type { TailPosition } from './log-tail.ts';
import { recordLine, recordsIn } from './record-line.ts';

export interface Part {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly records: number;
  /** Revisions of the first and the last record. */
  readonly first: number;
  readonly last: number;
}

export interface Manifest {
  /** The state is that at this revision: the log is compacted up to here. */
  readonly compacted: number;
  /** The newest revision that it knows of. */
  readonly revision: number;
  /** The segment that names it: without that it does not count. */
  readonly segment: number;
  /** The segment that the changes follow after; absent: the one that names it, as of a log that replaced another. */
  readonly after?: TailPosition;
  readonly base: readonly Part[];
  readonly deltas: readonly Part[];
  readonly history: readonly Part[];
}

/** @throws CorruptDataError */
export function parseManifest(body: Uint8Array): Manifest {
  let parsed: { readonly manifest?: Manifest; readonly sha256?: string };
  try {
    parsed = JSON.parse(Buffer.from(body).toString('utf8')) as typeof parsed;
  } catch {
    throw new CorruptDataError('it is no JSON');
  }
  const { manifest, sha256 } = parsed;
  if (manifest === undefined || digest(Buffer.from(JSON.stringify(manifest))) !== sha256) {
    throw new CorruptDataError('its checksum is wrong');
  }
  return manifest;
}

export function encodeManifest(manifest: Manifest): Buffer {
  const sha256 = digest(Buffer.from(JSON.stringify(manifest)));
  return Buffer.from(`${JSON.stringify({ manifest, sha256 }, undefined, 1)}\n`);
}

export function partsOf(manifest: Manifest): readonly Part[] {
  return [...manifest.base, ...manifest.deltas, ...manifest.history];
}

/** Gathers records for a part. */
export class PartBuilder {
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #records = 0;
  #first = 0;
  #last = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(record: LogRecord): void {
    for (const piece of recordLine(record)) {
      this.#pieces.push(piece);
      this.#bytes += piece.length;
    }
    if (this.#records === 0) this.#first = record.revision;
    this.#last = record.revision;
    this.#records += 1;
  }

  /** The part and its bytes; the builder is empty afterwards. */
  take(name: string): { readonly part: Part; readonly body: Buffer } {
    const body = Buffer.concat(this.#pieces);
    const part = {
      name,
      sha256: digest(body),
      bytes: body.length,
      records: this.#records,
      first: this.#first,
      last: this.#last,
    };
    this.#pieces = [];
    this.#bytes = 0;
    this.#records = 0;
    return { part, body };
  }
}

/** Stores a part and reads it back. @throws CorruptDataError when what was stored is something else */
export async function storePart(store: BlobStore, part: Part, body: Buffer): Promise<void> {
  await store.put(part.name, body);
  await readPart(store, part);
}

/** The checked bytes of a part. @throws CorruptDataError naming it */
export async function readPart(store: BlobStore, part: Part): Promise<Buffer> {
  const found = await store.get(part.name);
  if (found === undefined) throw new CorruptDataError(`${part.name}: it is missing`);
  const { body } = found;
  if (digest(body) !== part.sha256) {
    throw new CorruptDataError(`${part.name}: its checksum is wrong`);
  }
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

export function* partRecords(bytes: Buffer): Generator<LogRecord> {
  yield* recordsIn(bytes, 0, bytes.length);
}

export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
