// Frames of SPDY/3.1 (SPDY Protocol, draft 3.1, 2.2): control frames and data frames, as bytes and as values. Header blocks stay
// compressed here.

export const VERSION = 3;
export const TYPES = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;
export const FLAG_FIN = 0x01;
export const RESET = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5 } as const;

/** Control frames hold headers and numbers; anything larger is an attack or an accident. */
const CONTROL_LIMIT_BYTES = 64 * 1024;
const HEADER_BYTES = 8;
const STREAM_MASK = 0x7fffffff;

/** A piece of a data frame as soon as it is there; `isEnd` on the last piece of a frame that ends its stream. */
export interface DataPiece {
  readonly type: 'data';
  readonly stream: number;
  readonly bytes: Buffer;
  readonly isEnd: boolean;
}

export interface ControlFrame {
  readonly type: 'control';
  /** One of TYPES, or one that we do not know. */
  readonly control: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** Takes bytes as they come and gives frames as they are complete. */
export class FrameParser {
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** The data frame whose payload is under way. */
  #open: { readonly stream: number; readonly isEnd: boolean; left: number } | undefined;

  push(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  /** undefined when more bytes are needed. @throws Error when they are not SPDY/3.1 */
  next(): DataPiece | ControlFrame | undefined {
    if (this.#open !== undefined) return this.#piece(this.#open);
    const head = this.#peek(HEADER_BYTES);
    if (head === undefined) return undefined;
    const first = head.readUInt32BE(0);
    const flags = head.readUInt8(4);
    const length = head.readUIntBE(5, 3);
    if ((first & 0x80000000) === 0) {
      this.#take(HEADER_BYTES);
      const isEnd = (flags & FLAG_FIN) !== 0;
      this.#open = { stream: first & STREAM_MASK, isEnd, left: length };
      return this.#piece(this.#open);
    }
    const version = (first >>> 16) & 0x7fff;
    if (version !== VERSION) throw new Error(`SPDY version ${version} is not ${VERSION}`);
    if (length > CONTROL_LIMIT_BYTES) throw new Error(`a control frame of ${length} bytes`);
    if (this.#waitingBytes < HEADER_BYTES + length) return undefined;
    this.#take(HEADER_BYTES);
    return { type: 'control', control: first & 0xffff, flags, payload: this.#take(length) };
  }

  #piece(open: {
    readonly stream: number;
    readonly isEnd: boolean;
    left: number;
  }): DataPiece | undefined {
    const available = this.#waiting[0]?.length ?? 0;
    if (available === 0 && open.left > 0) return undefined;
    const bytes = this.#take(Math.min(open.left, available));
    open.left -= bytes.length;
    const isLast = open.left === 0;
    if (isLast) this.#open = undefined;
    return { type: 'data', stream: open.stream, bytes, isEnd: open.isEnd && isLast };
  }

  #peek(length: number): Buffer | undefined {
    if (this.#waitingBytes < length) return undefined;
    const [first] = this.#waiting;
    if (first !== undefined && first.length >= length) return first;
    this.#waiting = [Buffer.concat(this.#waiting)];
    return this.#waiting[0];
  }

  /** There are so many. */
  #take(length: number): Buffer {
    const whole = length === 0 ? Buffer.alloc(0) : (this.#peek(length) ?? Buffer.alloc(0));
    if (length > 0) {
      if (whole.length === length) this.#waiting.shift();
      else this.#waiting[0] = whole.subarray(length);
      this.#waitingBytes -= length;
    }
    return whole.subarray(0, length);
  }
}

export function controlFrame(control: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.allocUnsafe(HEADER_BYTES);
  head.writeUInt32BE((0x80000000 | (VERSION << 16) | control) >>> 0, 0);
  head.writeUInt32BE(((flags << 24) | payload.length) >>> 0, 4);
  return Buffer.concat([head, payload]);
}

/** @param bytes fewer than 2^24 */
export function dataFrame(stream: number, flags: number, bytes: Buffer): Buffer {
  const head = Buffer.allocUnsafe(HEADER_BYTES);
  head.writeUInt32BE(stream, 0);
  head.writeUInt32BE(((flags << 24) | bytes.length) >>> 0, 4);
  return bytes.length === 0 ? head : Buffer.concat([head, bytes]);
}

/** Payload of the frames that hold only numbers. */
export function numbers(...values: readonly number[]): Buffer {
  const payload = Buffer.allocUnsafe(values.length * 4);
  for (const [index, value] of values.entries()) payload.writeUInt32BE(value, index * 4);
  return payload;
}
