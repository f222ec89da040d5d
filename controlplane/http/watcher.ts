// One watch: takes events from the store, decides which of them its selectors see and as what, and writes them as the
// socket has room. Never waits and never blocks the store: a client that reads too slowly is cut off and lists again.
import type { StoreEvent, StoredObject, WatchEventType, WatchSink } from '../store/types.ts';

import type { Batch, BatchCache } from './watch-batches.ts';
import type { WatchFlusher } from './watch-flusher.ts';
import type { EventEncoder } from './watch-frames.ts';
import type { WatchStream } from './watch-stream.ts';

/** Bytes of events that may wait for a slow client beyond what the watch began with. */
const PENDING_LIMIT_BYTES = 32 * 1024 * 1024;
/** One write joins batches up to this size. */
const WRITE_BYTES = 256 * 1024;

export interface WatcherOptions {
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

interface InitialEvents {
  readonly items: readonly StoredObject[];
  next: number;
  readonly end: number | undefined;
}

export class Watcher implements WatchSink {
  readonly #options: WatcherOptions;
  readonly #stream: WatchStream;
  readonly #key: string;
  readonly #pending: { readonly batch: Batch; readonly size: number }[] = [];
  readonly #onDrain = (): void => {
    this.#blocked = false;
    this.flush();
  };
  #pendingBytes = 0;
  #limit = PENDING_LIMIT_BYTES;
  #initial: InitialEvents | undefined;
  #isFirst: boolean;
  #blocked = false;
  #ended = false;

  /** Whatever comes before the first event must have been sent: from now on this writes to the stream's socket. */
  constructor(options: WatcherOptions, stream: WatchStream) {
    this.#options = options;
    this.#stream = stream;
    this.#isFirst = options.encoder.firstDiffers;
    const { encoder, namespace, selectorText } = options;
    this.#key = `${stream.framing}|${encoder.key}|${namespace}|${selectorText}`;
  }

  /**
   * Sends these as ADDED before any event.
   *
   * @param end the revision that they show, for the bookmark behind them; undefined for none
   */
  start(items: readonly StoredObject[], end?: number): void {
    this.#initial = { items, next: 0, end };
    this.flush();
  }

  /** An error as an event, behind which nothing comes. */
  fail(status: unknown): void {
    if (this.#ended) return;
    this.flush();
    const event = JSON.stringify({ type: 'ERROR', object: status });
    this.#stream.socket.write(this.#stream.frame([Buffer.from(`${event}\n`)]));
    this.end();
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
    this.#write(this.#stream.frame([this.#bookmark(revision, false)]));
  }

  /** Ends the stream cleanly after what has been written. Events that still wait are left to the next watch. */
  end(): void {
    if (this.#ended) return;
    this.#stop();
    this.#stream.end();
  }

  /** Drops the connection. */
  cut(): void {
    if (this.#ended) return;
    this.#stop();
    this.#stream.cut();
  }

  #stop(): void {
    this.#ended = true;
    this.#stream.socket.removeListener('drain', this.#onDrain);
    this.#pending.length = 0;
    this.#initial = undefined;
  }

  #initialChunk(initial: InitialEvents): Buffer {
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
    if (initial.next >= initial.items.length) {
      this.#initial = undefined;
      if (initial.end !== undefined) frames.push(this.#bookmark(initial.end, true));
    }
    if (frames.length === 0) return EMPTY;
    onSent(frames.length, size);
    return this.#stream.frame(frames);
  }

  #bookmark(revision: number, endsInitialEvents: boolean): Buffer {
    const { encoder } = this.#options;
    const withColumns = this.#isFirst;
    this.#isFirst = false;
    return encoder.bookmark(revision, { endsInitialEvents, withColumns });
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
      return frames.length === 0 || this.#write(this.#stream.frame(frames));
    }
    const { batches: cache, onSent } = this.#options;
    const events = (): Buffer[] => this.#frames(batches);
    const joined = cache.join(batches, this.#key, events, this.#stream.frame);
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
    if (this.#stream.socket.write(chunk)) return true;
    this.#blocked = true;
    this.#stream.socket.once('drain', this.#onDrain);
    return false;
  }
}

const EMPTY = Buffer.alloc(0);
