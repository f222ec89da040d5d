// One watch: takes events from the store, decides which of them its selectors see and as what, and writes them as the
// socket has room. Never waits and never blocks the store: a client that reads too slowly is cut off and lists again.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import type { StoreEvent, StoredObject, WatchEventType, WatchSink } from '../store/types.ts';

import { asChunk } from './watch-batches.ts';
import type { Batch, BatchCache } from './watch-batches.ts';
import type { WatchFlusher } from './watch-flusher.ts';
import type { EventEncoder } from './watch-frames.ts';

/** Bytes of events that may wait for a slow client beyond what the watch began with. */
const PENDING_LIMIT_BYTES = 32 * 1024 * 1024;
/** One write joins batches up to this size. */
const WRITE_BYTES = 256 * 1024;

export interface WatcherOptions {
  readonly response: ServerResponse;
  readonly encoder: EventEncoder;
  readonly batches: BatchCache;
  readonly flusher: WatchFlusher;
  /** '' for all namespaces. */
  readonly namespace: string;
  readonly matches: ((object: StoredObject) => boolean) | undefined;
  /** Equal for equal selectors. */
  readonly selectorText: string;
  /** For metrics. */
  readonly onSent: (events: number, bytes: number) => void;
  readonly onTooSlow: () => void;
  /** An event could not be encoded; the connection is cut. */
  readonly onFailed: (error: unknown) => void;
}

export class Watcher implements WatchSink {
  readonly #options: WatcherOptions;
  readonly #socket: Socket;
  readonly #key: string;
  readonly #pending: { readonly batch: Batch; readonly size: number }[] = [];
  readonly #onDrain = (): void => {
    this.#blocked = false;
    this.flush();
  };
  #pendingBytes = 0;
  #limit = PENDING_LIMIT_BYTES;
  #initial: { readonly items: readonly StoredObject[]; next: number } | undefined;
  #isFirst: boolean;
  #blocked = false;
  #ended = false;

  /** The response's head must have been flushed: from now on this writes to its socket. */
  constructor(options: WatcherOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.#isFirst = options.encoder.firstDiffers;
    this.#key = `${options.encoder.key}|${options.namespace}|${options.selectorText}`;
  }

  /** Sends these as ADDED before any event. */
  start(items: readonly StoredObject[]): void {
    this.#initial = { items, next: 0 };
    this.flush();
  }

  /** What came so far was history, which a client may take its time to read. */
  allowBacklog(): void {
    this.#limit = PENDING_LIMIT_BYTES + this.#pendingBytes;
  }

  events(events: Batch): void {
    if (this.#ended) return;
    const size = events.reduce((sum, event) => sum + event.object.bytes.length, 0);
    this.#pending.push({ batch: events, size });
    this.#pendingBytes += size;
    if (!this.#blocked) this.#options.flusher.add(this);
    else if (this.#pendingBytes > this.#limit) {
      this.#options.onTooSlow();
      this.cut();
    }
  }

  closed(): void {
    this.end();
  }

  flush(): void {
    if (this.#ended || this.#blocked) return;
    try {
      this.#writeAll();
    } catch (error) {
      // Called from the flusher, for many watchers: one that cannot encode must not take the others along.
      this.#options.onFailed(error);
      this.cut();
    }
  }

  #writeAll(): void {
    while (this.#initial !== undefined) {
      if (!this.#write(this.#initialChunk(this.#initial))) return;
    }
    while (this.#pending.length > 0) {
      if (!this.#writeSome()) return;
    }
  }

  /** @param revision everything up to it has been handed to this watcher */
  bookmark(revision: number): void {
    this.flush();
    // A bookmark in front of events that wait would promise too much.
    if (this.#ended || this.#blocked || this.#pending.length > 0) return;
    this.#write(asChunk([this.#options.encoder.bookmark(revision)]));
  }

  /** Ends the stream cleanly after what has been written. Events that still wait are left to the next watch. */
  end(): void {
    if (this.#ended) return;
    this.#stop();
    this.#options.response.end();
  }

  /** Drops the connection. */
  cut(): void {
    if (this.#ended) return;
    this.#stop();
    this.#options.response.destroy();
  }

  #stop(): void {
    this.#ended = true;
    this.#socket.removeListener('drain', this.#onDrain);
    this.#pending.length = 0;
    this.#initial = undefined;
  }

  #initialChunk(initial: { readonly items: readonly StoredObject[]; next: number }): Buffer {
    const { encoder, onSent } = this.#options;
    const frames: Buffer[] = [];
    let size = 0;
    while (initial.next < initial.items.length && size < WRITE_BYTES) {
      const stored = initial.items[initial.next];
      initial.next += 1;
      if (stored === undefined) continue;
      const frame = encoder.object('ADDED', stored, this.#isFirst);
      this.#isFirst = false;
      frames.push(frame);
      size += frame.length;
    }
    if (initial.next >= initial.items.length) this.#initial = undefined;
    if (frames.length === 0) return EMPTY;
    onSent(frames.length, size);
    return asChunk(frames);
  }

  #writeSome(): boolean {
    const batches: Batch[] = [];
    let size = 0;
    for (const { batch, size: batchSize } of this.#pending) {
      if (batches.length > 0 && size + batchSize > WRITE_BYTES) break;
      batches.push(batch);
      size += batchSize;
    }
    this.#pending.splice(0, batches.length);
    this.#pendingBytes -= size;

    if (this.#isFirst) {
      const frames = this.#frames(batches);
      return frames.length === 0 || this.#write(asChunk(frames));
    }
    const { batches: cache, onSent } = this.#options;
    const joined = cache.join(batches, this.#key, () => this.#frames(batches));
    if (joined.events === 0) return true;
    onSent(joined.events, joined.chunk.length);
    return this.#write(joined.chunk);
  }

  #frames(batches: readonly Batch[]): Buffer[] {
    const { encoder } = this.#options;
    const frames: Buffer[] = [];
    for (const batch of batches) {
      for (const event of batch) {
        const type = this.#typeOf(event);
        if (type === undefined) continue;
        if (this.#isFirst) {
          this.#isFirst = false;
          frames.push(encoder.object(type, event.object, true));
        } else frames.push(encoder.event(event, type));
      }
    }
    return frames;
  }

  /** What the event is to this watch: an object that starts to match is added, one that stops is deleted. */
  #typeOf(event: StoreEvent): WatchEventType | undefined {
    const { namespace, matches } = this.#options;
    if (namespace !== '' && event.object.namespace !== namespace) return undefined;
    if (matches === undefined) return event.type;
    const matched = event.previous !== undefined && matches(event.previous);
    if (event.type === 'DELETED') {
      return (event.previous === undefined ? matches(event.object) : matched)
        ? 'DELETED'
        : undefined;
    }
    if (matches(event.object)) return matched ? 'MODIFIED' : 'ADDED';
    return matched ? 'DELETED' : undefined;
  }

  #write(chunk: Buffer): boolean {
    if (chunk.length === 0) return true;
    if (this.#socket.write(chunk)) return true;
    this.#blocked = true;
    this.#socket.once('drain', this.#onDrain);
    return false;
  }
}

const EMPTY = Buffer.alloc(0);
