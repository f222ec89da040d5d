// The write-ahead log as it lies on the disk after an unclean stop, read before SQLite does. SQLite takes the first frame that
// is not whole for the end of the log and drops all behind it. That is right for the transaction that was being written when
// the power went, and silent loss for any earlier one: those had been synced, and acknowledged.
import { closeSync, openSync, readSync } from 'node:fs';
import { CorruptDataError } from '../errors.ts';

// https://sqlite.org/fileformat2.html#the_write_ahead_log
const HEADER_BYTES = 32;
const FRAME_BYTES = 24;
const MAGIC = 0x37_7f_06_82;
/** Written whole or not at all, by every disk. */
const SECTOR_BYTES = 512;
/** Of a frame's header: page, commit mark and salts, which say what it belongs to. */
const NAMING_BYTES = 16;

interface Sums {
  a: number;
  b: number;
}

/**
 * @param path of the database
 * @throws CorruptDataError when something behind the first bad frame was committed later than it
 */
export function checkWriteAheadLog(path: string): void {
  let file: number;
  try {
    file = openSync(`${path}-wal`, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    checkFrames(file, path);
  } finally {
    closeSync(file);
  }
}

function checkFrames(file: number, path: string): void {
  const header = Buffer.alloc(HEADER_BYTES);
  // Cut off before the first frame: nothing was committed.
  if (readSync(file, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) return;
  const sums = { a: 0, b: 0 };
  const isBig = (header.readUInt32BE(0) & 1) === 1;
  add(sums, header.subarray(0, 24), isBig);
  const size = header.readUInt32BE(8);
  if ((header.readUInt32BE(0) & ~1) !== MAGIC || !isEqual(sums, header, 24) || size > 65_536) {
    if (readSync(file, Buffer.alloc(1), 0, 1, HEADER_BYTES) === 0) return;
    throw damaged(path, 'its header');
  }
  const salts = header.subarray(16, 24);
  const frame = Buffer.alloc(FRAME_BYTES + size);
  const tail = new Tail();
  for (let index = 0; ; index += 1) {
    const position = HEADER_BYTES + index * frame.length;
    if (readSync(file, frame, 0, frame.length, position) < frame.length) return;
    // What an earlier round left behind has other salts.
    const isOurs = frame.subarray(8, NAMING_BYTES).equals(salts);
    if (tail.first === undefined) {
      add(sums, frame.subarray(0, 8), isBig);
      add(sums, frame.subarray(FRAME_BYTES), isBig);
      if (isOurs && isEqual(sums, frame, 16)) {
        tail.whole(frame);
        continue;
      }
      tail.first = index + 1;
      if (isOurs && isNamedWhole(position)) tail.follow(frame);
    } else if (isOurs && isNamedWhole(position) && !tail.follow(frame)) {
      throw damaged(path, `frame ${tail.first} of its write-ahead log`);
    }
  }
}

/**
 * What lies within one sector is old or new as a whole. Of a frame across two, one in 64, the page can be an old one beside new salts:
 * it says nothing then, and a later transaction is found by its other frames. An append writes three at least.
 */
function isNamedWhole(position: number): boolean {
  return (position % SECTOR_BYTES) + NAMING_BYTES <= SECTOR_BYTES;
}

/**
 * The transaction that was being written: SQLite writes its pages in growing order (cache_spill is off), the commit mark on
 * the last. What does not continue it was written after it, when it had long been synced.
 */
class Tail {
  /** Number of the first frame that is not whole. */
  first: number | undefined;
  #page = 0;
  #isCommitted = false;

  whole(frame: Buffer): void {
    this.#page = frame.readUInt32BE(4) === 0 ? frame.readUInt32BE(0) : 0;
  }

  /** @returns false when the frame belongs to a later transaction */
  follow(frame: Buffer): boolean {
    if (this.#isCommitted || frame.readUInt32BE(0) <= this.#page) return false;
    this.#page = frame.readUInt32BE(0);
    this.#isCommitted = frame.readUInt32BE(4) !== 0;
    return true;
  }
}

function add(sums: Sums, bytes: Buffer, isBig: boolean): void {
  let { a, b } = sums;
  for (let offset = 0; offset < bytes.length; offset += 8) {
    const x = isBig ? bytes.readUInt32BE(offset) : bytes.readUInt32LE(offset);
    const y = isBig ? bytes.readUInt32BE(offset + 4) : bytes.readUInt32LE(offset + 4);
    a = (a + x + b) >>> 0;
    b = (b + y + a) >>> 0;
  }
  sums.a = a;
  sums.b = b;
}

function isEqual({ a, b }: Sums, bytes: Buffer, offset: number): boolean {
  return bytes.readUInt32BE(offset) === a && bytes.readUInt32BE(offset + 4) === b;
}

function damaged(path: string, what: string): CorruptDataError {
  return new CorruptDataError(
    `Cannot open ${path}: ${what} is damaged, and commits after it were acknowledged; restore it from a backup or a replica`,
  );
}
