// Tells where HTTP/1 messages begin and end in bytes that pass by (RFC 9112 §6). It looks only; what it cannot read it calls opaque,
// and whoever asks then knows nothing more about the connection than that bytes pass.

export interface MessageHead {
  /** Request line or status line. */
  readonly start: string;
  /** Values of the header, lower case, in order; empty when it is absent. */
  values(name: string): readonly string[];
}

/** How the body of a message is delimited. */
export type Body =
  | { readonly type: 'length'; readonly bytes: number }
  | { readonly type: 'chunked' }
  /** Everything up to the end of the connection. */
  | { readonly type: 'rest' }
  /** A head that is followed by another head of the same message: 1xx. */
  | { readonly type: 'interim' }
  | { readonly type: 'opaque' };

export interface FramerOptions {
  /** What the first line of a message looks like. */
  readonly startLine: RegExp;
  readonly bodyOf: (head: MessageHead) => Body;
  readonly ended: () => void;
}

const MAXIMUM_HEAD = 256 << 10;
const NEWLINE = 10;

type State = 'head' | 'length' | 'chunkSize' | 'chunkData' | 'trailer' | 'rest' | 'opaque';

/** One direction of one connection. */
export class MessageFramer {
  readonly #options: FramerOptions;
  #state: State = 'head';
  #lines: string[] = [];
  #line = '';
  #headLength = 0;
  #left = 0;

  constructor(options: FramerOptions) {
    this.#options = options;
  }

  /** At the start, or just after the end of a message. */
  get isBetween(): boolean {
    return this.#state === 'head' && this.#headLength === 0;
  }

  get isOpaque(): boolean {
    return this.#state === 'opaque';
  }

  giveUp(): void {
    this.#state = 'opaque';
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      switch (this.#state) {
        case 'opaque':
        case 'rest':
          return;
        case 'length':
        case 'chunkData':
          at += this.#skip(chunk.length - at);
          break;
        case 'head':
        case 'chunkSize':
        case 'trailer':
          at = this.#readLine(chunk, at);
      }
    }
  }

  #skip(available: number): number {
    const taken = Math.min(this.#left, available);
    this.#left -= taken;
    if (this.#left > 0) return taken;
    if (this.#state === 'length') this.#end();
    else this.#state = 'chunkSize';
    return taken;
  }

  #readLine(chunk: Buffer, from: number): number {
    const newline = chunk.indexOf(NEWLINE, from);
    const to = newline < 0 ? chunk.length : newline;
    this.#line += chunk.toString('latin1', from, to);
    this.#headLength += to - from;
    if (this.#headLength > MAXIMUM_HEAD) {
      this.giveUp();
      return chunk.length;
    }
    if (newline < 0) return chunk.length;
    const line = this.#line.endsWith('\r') ? this.#line.slice(0, -1) : this.#line;
    this.#line = '';
    this.#takeLine(line);
    return newline + 1;
  }

  #takeLine(line: string): void {
    if (this.#state === 'chunkSize') {
      const size = /^[0-9a-f]+(?=[ \t]*(?:;|$))/i.exec(line)?.[0];
      if (size === undefined) return this.giveUp();
      this.#headLength = 0;
      this.#left = Number.parseInt(size, 16) + 2;
      this.#state = this.#left === 2 ? 'trailer' : 'chunkData';
    } else if (this.#state === 'trailer') {
      if (line === '') this.#end();
    } else if (line !== '') {
      this.#lines.push(line);
      if (this.#lines.length === 1 && !this.#options.startLine.test(line)) this.giveUp();
    } else if (this.#lines.length > 0) {
      this.#takeHead();
    } else {
      // An empty line before a message is ignored (RFC 9112 §2.2).
      this.#headLength = 0;
    }
  }

  #takeHead(): void {
    const [start = '', ...fields] = this.#lines;
    this.#lines = [];
    this.#headLength = 0;
    const body = this.#options.bodyOf({
      start,
      values: (name) =>
        fields
          .filter((field) => field.slice(0, field.indexOf(':')).toLowerCase() === name)
          .map((field) =>
            field
              .slice(field.indexOf(':') + 1)
              .trim()
              .toLowerCase(),
          ),
    });
    switch (body.type) {
      case 'length':
        this.#left = body.bytes;
        this.#state = 'length';
        if (body.bytes === 0) this.#end();
        return;
      case 'chunked':
        this.#state = 'chunkSize';
        return;
      case 'interim':
        return;
      case 'rest':
      case 'opaque':
        this.#state = body.type;
    }
  }

  #end(): void {
    this.#state = 'head';
    this.#headLength = 0;
    this.#options.ended();
  }
}

/** By the headers alone; undefined when they say nothing. */
export function declaredBody(head: MessageHead): Body | undefined {
  const codings = head.values('transfer-encoding');
  if (codings.length > 0) {
    return /(?:^|,)\s*chunked$/.test(codings.join(',')) ? { type: 'chunked' } : { type: 'rest' };
  }
  const lengths = new Set(head.values('content-length'));
  const [length] = lengths;
  if (length === undefined) return undefined;
  const isClear = lengths.size === 1 && /^\d{1,15}$/.test(length);
  return isClear ? { type: 'length', bytes: Number(length) } : { type: 'opaque' };
}
