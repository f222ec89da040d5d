// Several channels and a few control messages on one connection that carries messages. The same at both ends; what the channels
// mean is agreed between those who use it.
import { Channel } from './channel.ts';
import { decodeFrame, encodeFrame } from './frame.ts';
import type { Frame, FrameKind } from './frame.ts';

export interface MultiplexerOptions {
  /** Sends one message; `done` when it is with the operating system, or was lost. */
  readonly send: (message: Buffer, done?: (error?: Error | null) => void) => void;
  /** Ends the connection; the other end has broken the rules when there is an error. */
  readonly close: (error?: Error) => void;
  /** The other end opens a channel; without this it may not. */
  readonly onOpen?: (channel: Channel, payload: Buffer) => void;
  /** At most this many at once; the other end's further ones are reset. */
  readonly maximumChannels?: number;
}

const DEFAULT_MAXIMUM_CHANNELS = 128;
const CREDIT_BYTES = 4;

export class Multiplexer {
  readonly #options: MultiplexerOptions;
  readonly #channels = new Map<number, Channel>();
  readonly #ended = new AbortController();
  readonly #early: unknown[] = [];
  #passedFrames = 0;
  #onControl: ((value: unknown) => void) | undefined;

  constructor(options: MultiplexerOptions) {
    this.#options = options;
  }

  /** Aborts when the connection is gone; the reason is an Error. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Frames with data and control messages so far, in both directions. */
  get passedFrames(): number {
    return this.#passedFrames;
  }

  /** Called with each control message. Those that come before it is set wait. */
  set onControl(listener: (value: unknown) => void) {
    this.#onControl = listener;
    for (const value of this.#early.splice(0)) listener(value);
  }

  /** A channel that both ends know to be there. Made before the other end can send on it. */
  channel(id: number): Channel {
    const existing = this.#channels.get(id);
    if (existing !== undefined) return existing;
    const send = (kind: FrameKind, payload?: Buffer): void => this.#send(kind, id, payload);
    const channel = new Channel({
      sendData: (piece, done) => {
        this.#passedFrames += 1;
        this.#sendMessage(encodeFrame('data', id, piece), done);
      },
      sendEnd: () => send('end'),
      sendCredit: (bytes) => {
        const payload = Buffer.allocUnsafe(CREDIT_BYTES);
        payload.writeUInt32BE(bytes);
        send('credit', payload);
      },
      closed: (reason) => {
        this.#channels.delete(id);
        if (reason !== undefined) send('reset', Buffer.from(reason));
      },
    });
    this.#channels.set(id, channel);
    if (this.#ended.signal.aborted) channel.destroy(this.#ended.signal.reason as Error);
    return channel;
  }

  /** A new channel; the other end is told what it is for. */
  open(id: number, payload: Buffer): Channel {
    this.#send('open', id, payload);
    return this.channel(id);
  }

  control(value: unknown): void {
    this.#send('control', 0, Buffer.from(JSON.stringify(value)));
  }

  /** Takes a message of the other end. */
  receive(message: Buffer): void {
    if (this.#ended.signal.aborted) return;
    const frame = decodeFrame(message);
    if (frame === undefined || !this.#handle(frame)) {
      this.end(new Error('the other end of the session broke its rules'), true);
    }
  }

  /** The connection is gone, or shall go: every channel ends with the reason. */
  end(reason: Error, isViolation = false): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(reason);
    for (const channel of this.#channels.values()) channel.destroy(reason);
    this.#channels.clear();
    this.#options.close(isViolation ? reason : undefined);
  }

  /** @returns false when the frame breaks the rules */
  #handle({ kind, channel: id, payload }: Frame): boolean {
    // What comes for a channel that we have given up was under way when we did.
    const channel = this.#channels.get(id);
    if (kind === 'data' || kind === 'control') this.#passedFrames += 1;
    switch (kind) {
      case 'data':
        return channel?.receiveData(payload) ?? true;
      case 'end':
        channel?.receiveEnd();
        return true;
      case 'credit':
        if (payload.length !== CREDIT_BYTES) return false;
        channel?.receiveCredit(payload.readUInt32BE());
        return true;
      case 'reset':
        channel?.receiveReset(payload.toString('utf8'));
        return true;
      case 'open':
        return this.#opened(id, payload);
      case 'control':
        return this.#controlled(payload);
    }
  }

  #opened(id: number, payload: Buffer): boolean {
    const { onOpen, maximumChannels = DEFAULT_MAXIMUM_CHANNELS } = this.#options;
    if (onOpen === undefined || this.#channels.has(id)) return false;
    if (this.#channels.size >= maximumChannels) {
      this.#send('reset', id, Buffer.from(`more than ${maximumChannels} connections at once`));
    } else onOpen(this.channel(id), payload);
    return true;
  }

  #controlled(payload: Buffer): boolean {
    let value: unknown;
    try {
      value = JSON.parse(payload.toString('utf8'));
    } catch {
      return false;
    }
    if (this.#onControl !== undefined) this.#onControl(value);
    else this.#early.push(value);
    return this.#early.length <= DEFAULT_MAXIMUM_CHANNELS;
  }

  #send(kind: FrameKind, channel: number, payload?: Buffer): void {
    this.#sendMessage(encodeFrame(kind, channel, payload));
  }

  #sendMessage(message: Buffer, done?: (error?: Error | null) => void): void {
    if (this.#ended.signal.aborted) done?.(this.#ended.signal.reason as Error);
    else this.#options.send(message, done);
  }
}
