// A segment of the write-ahead log as bytes: a header line, a line per record, a trailer line with the checksum of all before.
// Immutable and numbered. `after` and `previous` tie it to the last segment that its writer relied on, so that what a slower
// writer put in between counts for nothing. Epoch and term say whose word weighs more.
import { createHash } from 'node:crypto';
import { CorruptDataError } from '../errors.ts';
import type { LogRecord } from '../provider.ts';
import { lineOf, recordsIn, writeLine } from './record-line.ts';

const NEWLINE = 10;
const SHA256 = /^[0-9a-f]{64}$/;

export interface SegmentHeader {
  readonly segment: number;
  readonly epoch: number;
  /** Within an epoch: raised by each opening that goes on writing, and to bar a write whose fate is not known. */
  readonly term: number;
  /** Random, of the opening that wrote it: tells one's own bytes from another's that say the same. */
  readonly writer: string;
  /** The number of the segment before it in the log, 0 for the first, and that one's checksum. */
  readonly after: number;
  readonly previous: string;
  /** Records in it; 0 for a fence, whose only purpose is to have the number. */
  readonly records: number;
  /** Revisions of the first and the last record; 0 for a fence. */
  readonly first: number;
  readonly last: number;
  /** Bytes of the lines between header and trailer. */
  readonly bytes: number;
  readonly snapshot?: NamedSnapshot;
}

/** From this segment on the log can be read from a snapshot. What neither it nor the older one needs may be gone. */
export interface NamedSnapshot {
  readonly manifest: string;
  /** Of the manifest as it is stored. */
  readonly sha256: string;
  /** The manifest of the one before, that the log can be read from as well; absent: from its first segment. */
  readonly older?: string;
  /** True: it is another log, and what was before is void. */
  readonly isReset: boolean;
}

export interface Segment {
  readonly header: SegmentHeader;
  /** Of everything before the trailer, as hexadecimal digits. */
  readonly sha256: string;
  /** The whole, as it is stored. */
  readonly bytes: Buffer;
}

/** One that was made here. */
export interface NewSegment extends Segment {
  /** Of all its bytes, the trailer included: what some stores want to be told of what they get. */
  readonly bytesSha256: string;
}

/** What a body is: `torn` is what is left when the writing of a whole one stopped half-way. */
export type ParsedSegment =
  | { readonly state: 'whole'; readonly segment: Segment }
  | { readonly state: 'torn' }
  | { readonly state: 'damaged'; readonly why: string };

type Place = Omit<SegmentHeader, 'records' | 'first' | 'last' | 'bytes'>;

export function encodeSegment(place: Place, records: readonly LogRecord[]): NewSegment {
  const lines = records.map(lineOf);
  const bytes = lines.reduce((sum, { length }) => sum + length, 0);
  const header: SegmentHeader = {
    ...place,
    records: records.length,
    first: records[0]?.revision ?? 0,
    last: records.at(-1)?.revision ?? 0,
    bytes,
  };
  const head = `${JSON.stringify(header)}\n`;
  const end = Buffer.byteLength(head) + bytes;
  const whole = Buffer.allocUnsafe(end + TRAILER_BYTES);
  let offset = whole.write(head);
  for (const line of lines) offset = writeLine(whole, offset, line);
  // In one go: call by call for each piece costs several times as much as the sum itself.
  const hash = createHash('sha256').update(whole.subarray(0, end));
  const sha256 = hash.copy().digest('hex');
  trailer(sha256).copy(whole, end);
  const bytesSha256 = hash.update(whole.subarray(end)).digest('hex');
  return { header, sha256, bytes: whole, bytesSha256 };
}

function trailer(sha256: string): Buffer {
  return Buffer.from(`${JSON.stringify({ sha256 })}\n`);
}

const TRAILER_BYTES = trailer('0'.repeat(64)).length;

function hasTrailer(bytes: Buffer): boolean {
  return /^\{"sha256":"[0-9a-f]{64}"\}\n$/.test(
    bytes.toString('latin1', bytes.length - TRAILER_BYTES),
  );
}

/** Checks a body that was read. Never throws. */
export function parseSegment(body: Uint8Array, expected: number): ParsedSegment {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const headEnd = bytes.indexOf(NEWLINE) + 1;
  // A header is written at once with what follows it; without its end there is nothing else either.
  if (headEnd === 0) return { state: 'torn' };
  const header = parseHeader(bytes.toString('utf8', 0, headEnd));
  if (header === undefined) return { state: 'damaged', why: 'its first line is no header' };
  const end = headEnd + header.bytes;
  // Not when there is a trailer: then it is the header that says a wrong length.
  if (bytes.length < end + TRAILER_BYTES && !hasTrailer(bytes)) return { state: 'torn' };
  const sha256 = createHash('sha256').update(bytes.subarray(0, end)).digest('hex');
  if (!bytes.subarray(end).equals(trailer(sha256))) {
    return { state: 'damaged', why: 'its checksum is wrong' };
  }
  if (header.segment !== expected) {
    return { state: 'damaged', why: `it says that it is segment ${header.segment}` };
  }
  return { state: 'whole', segment: { header, sha256, bytes } };
}

/** Records of a whole segment, in order. Values are views of its bytes where they can be. @throws CorruptDataError */
export function* segmentRecords({ header, bytes }: Segment): Generator<LogRecord> {
  const start = bytes.indexOf(NEWLINE) + 1;
  yield* recordsIn(bytes, start, start + header.bytes);
}

function parseHeader(line: string): SegmentHeader | undefined {
  let parsed: Partial<SegmentHeader>;
  try {
    parsed = JSON.parse(line) as Partial<SegmentHeader>;
  } catch {
    return undefined;
  }
  const { segment, epoch, term, after, records, first, last, bytes, previous, writer } = parsed;
  const counts = [segment, epoch, term, after, records, first, last, bytes];
  if (!counts.every((each) => Number.isSafeInteger(each) && Number(each) >= 0)) return undefined;
  if (typeof writer !== 'string' || typeof previous !== 'string') return undefined;
  if (previous !== '' && !SHA256.test(previous)) return undefined;
  return parsed as SegmentHeader;
}

/** @throws CorruptDataError naming the blob */
export function wholeSegment(body: Uint8Array, number: number, name: string): Segment {
  const parsed = parseSegment(body, number);
  if (parsed.state === 'whole') return parsed.segment;
  const why = parsed.state === 'torn' ? 'it is cut off' : parsed.why;
  throw new CorruptDataError(`${name}: ${why}`);
}
