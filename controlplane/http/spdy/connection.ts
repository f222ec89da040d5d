// The server's side of a SPDY/3.1 connection: the client opens streams, both ends use them. Only what remote commands and port
// forwarding need: no pushed streams, and no flow control per stream, which their clients do not know either. A stream whose reader
// stops therefore stops the connection, as it does upstream; it never grows in memory.
import type { Duplex } from 'node:stream';

import type { Clock } from '#platform/clock.ts';

import { controlFrame, dataFrame, FLAG_FIN, FrameParser, numbers, RESET, TYPES } from './frames.ts';
import type { ControlFrame, DataPiece } from './frames.ts';
import { HeaderInflater, HeaderPacker } from './header-block.ts';
import { SpdyStream } from './stream.ts';

export interface SpdyOptions {
  /** Whether a new stream is taken; it is refused otherwise. */
  readonly onStream: (stream: SpdyStream) => boolean;
  readonly clock: Clock;
}

const MAXIMUM_STREAMS = 1024;
const PING_INTERVAL_MS = 5_000;
const STREAM_MASK = 0x7fffffff;
const FAREWELL_MS = 20_000;
const GOAWAY_OK = 0;
const GOAWAY_PROTOCOL_ERROR = 1;

export class SpdyConnection {
  readonly #socket: Duplex;
  readonly #options: SpdyOptions;
  readonly #parser = new FrameParser();
  readonly #inflater = new HeaderInflater();
  readonly #packer = new HeaderPacker();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #closed = new AbortController();
  #cancelPing = (): void => undefined;
  #lastStream = 0;
  #lastPing = 0;
  #isEnding = false;

  /** @param head bytes that came with the request for the upgrade */
  constructor(socket: Duplex, head: Buffer, options: SpdyOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#parser.push(head);
    socket.once('close', () => this.#gone(new Error('the client closed the connection')));
    // A client that is gone while nobody reads from it shows only when something is sent.
    this.#ping();
    void this.#run();
  }

  /** Aborts when the connection is gone. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Sends what is still to be sent, then closes. */
  close(code: number = GOAWAY_OK): void {
    if (this.#isEnding || this.#closed.signal.aborted) return;
    this.#isEnding = true;
    this.#cancelPing();
    this.#send(controlFrame(TYPES.goAway, 0, numbers(this.#lastStream, code)));
    this.#socket.end();
    // The client closes when it has read the end; one that does not has had its time.
    this.#cancelPing = this.#options.clock.schedule(FAREWELL_MS, () => this.destroy());
  }

  destroy(): void {
    this.#socket.destroy();
    this.#gone(new Error('the connection is closed'));
  }

  async #run(): Promise<void> {
    try {
      await this.#drain();
      for await (const chunk of this.#socket.iterator({ destroyOnReturn: false })) {
        this.#parser.push(chunk as Buffer);
        await this.#drain();
      }
      // The client has nothing more to say; streams that it had not ended never will be.
      for (const stream of this.#streams.values()) stream.receiveEnd();
      this.close();
    } catch {
      if (this.#closed.signal.aborted) return;
      this.close(GOAWAY_PROTOCOL_ERROR);
      this.destroy();
    }
  }

  async #drain(): Promise<void> {
    for (let frame = this.#parser.next(); frame !== undefined; frame = this.#parser.next()) {
      const busy = frame.type === 'data' ? this.#takeData(frame) : this.#takeControl(frame);
      if (busy !== undefined) await busy;
      if (this.#closed.signal.aborted) return;
    }
  }

  #takeData({ stream: id, bytes, isEnd }: DataPiece): Promise<void> | undefined {
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      // One that we have closed may still be on its way; one that never was is a mistake.
      if (id === 0 || id > this.#lastStream) throw new Error(`data for stream ${id}`);
      return undefined;
    }
    const busy = stream.receiveData(bytes);
    if (isEnd) stream.receiveEnd();
    return busy;
  }

  #takeControl({ control, flags, payload }: ControlFrame): Promise<void> | undefined {
    switch (control) {
      case TYPES.synStream:
        return this.#takeStream(payload, flags);
      case TYPES.headers:
        // Nothing of ours comes this way, but what was compressed must be unpacked for the next block.
        return this.#inflater.decode(payload.subarray(4)).then(() => undefined);
      case TYPES.rstStream:
        this.#streams.get(numberAt(payload, 0) & STREAM_MASK)?.receiveReset();
        return undefined;
      case TYPES.ping:
        // Odd ones are the client's, even ones are answers to ours.
        if (numberAt(payload, 0) % 2 === 1) this.#send(controlFrame(TYPES.ping, 0, payload));
        return undefined;
      case TYPES.synReply:
        throw new Error('an answer to a stream that the server has not opened');
      default:
        return undefined; // SETTINGS, WINDOW_UPDATE, GOAWAY and what is to come
    }
  }

  async #takeStream(payload: Buffer, flags: number): Promise<void> {
    const id = numberAt(payload, 0) & STREAM_MASK;
    const headers = await this.#inflater.decode(payload.subarray(10));
    if (id % 2 === 0 || id <= this.#lastStream) throw new Error(`stream ${id} is out of order`);
    this.#lastStream = id;
    const stream = new SpdyStream(headers, {
      sendData: (bytes, isEnd, done) => {
        this.#send(dataFrame(id, isEnd ? FLAG_FIN : 0, bytes), done);
      },
      closed: (isReset) => {
        this.#streams.delete(id);
        if (isReset) this.#reset(id, RESET.cancel);
      },
    });
    if (this.#streams.size >= MAXIMUM_STREAMS || this.#isEnding) {
      this.#reset(id, RESET.refusedStream);
      return;
    }
    this.#streams.set(id, stream);
    const reply = Buffer.concat([numbers(id), this.#packer.encode(new Map())]);
    // Whoever takes it may write at once: the answer goes first.
    this.#send(controlFrame(TYPES.synReply, 0, reply));
    if (this.#options.onStream(stream)) {
      if ((flags & FLAG_FIN) !== 0) stream.receiveEnd();
    } else stream.destroy();
  }

  #reset(id: number, code: number): void {
    this.#send(controlFrame(TYPES.rstStream, 0, numbers(id, code)));
  }

  #send(frame: Buffer, done?: (error?: Error | null) => void): void {
    if (this.#closed.signal.aborted || !this.#socket.writable) {
      done?.(new Error('the connection is closed'));
    } else this.#socket.write(frame, done);
  }

  #ping(): void {
    this.#cancelPing = this.#options.clock.schedule(PING_INTERVAL_MS, () => {
      this.#lastPing = (this.#lastPing + 2) & STREAM_MASK;
      this.#send(controlFrame(TYPES.ping, 0, numbers(this.#lastPing)));
      this.#ping();
    });
  }

  #gone(reason: Error): void {
    if (this.#closed.signal.aborted) return;
    this.#cancelPing();
    this.#inflater.close();
    this.#closed.abort(reason);
    for (const stream of this.#streams.values()) stream.destroy(reason);
    this.#streams.clear();
  }
}

/** @throws Error when the frame is too short for it */
function numberAt(payload: Buffer, at: number): number {
  if (payload.length < at + 4) throw new Error('a control frame is too short');
  return payload.readUInt32BE(at);
}
