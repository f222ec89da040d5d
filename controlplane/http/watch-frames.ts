// Encodes events for watchers, each once per representation, and keeps what was encoded for a bounded while: a thousand
// watchers of one kind must cost a thousand writes and one encoding.
import { decodeStored } from '../registry/objects.ts';
import { apiVersionOf } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { StoreEvent, WatchEventType } from '../store/types.ts';
import type { Clock } from '#platform/clock.ts';

import type { Representation } from './negotiate.ts';
import { objectBytes, partialMetadata } from './representation.ts';
import type { Shown } from './representation.ts';
import { tableOf } from './table.ts';
import type { IncludeObject } from './table.ts';

/** Encoded frames kept on events of the history for watchers that come a little later. */
const FRAME_CACHE_BYTES = 32 * 1024 * 1024;

const HEADS: Readonly<Record<WatchEventType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
};
const TAIL = Buffer.from('}\n');
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

export interface BookmarkOptions {
  /** Says that all that was there when the watch began has been sent. */
  readonly endsInitialEvents: boolean;
  /** With the columns of a Table, as the first event. */
  readonly withColumns: boolean;
}

/** Frames of recent events, forgotten oldest first: the events themselves live as long as the history. */
export class FrameCache {
  readonly #recent: { readonly event: StoreEvent; readonly key: string; readonly size: number }[] =
    [];
  #first = 0;
  #bytes = 0;

  frameOf(event: StoreEvent, key: string, encode: () => Buffer): Buffer {
    const known = event.frames.get(key);
    if (known !== undefined) return known;
    const frame = encode();
    event.frames.set(key, frame);
    this.#recent.push({ event, key, size: frame.length });
    this.#bytes += frame.length;
    this.#forget();
    return frame;
  }

  #forget(): void {
    while (this.#bytes > FRAME_CACHE_BYTES) {
      const oldest = this.#recent[this.#first];
      if (oldest === undefined) return;
      oldest.event.frames.delete(oldest.key);
      this.#bytes -= oldest.size;
      this.#first += 1;
    }
    // Shifting one by one would move the whole array each time.
    if (this.#first > 1024 && this.#first * 2 > this.#recent.length) {
      this.#recent.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

/** How the events of one watch are written. Two watches with the same `key` get the same bytes. */
export class EventEncoder {
  readonly key: string;
  readonly #definition: ResourceDefinition;
  readonly #representation: Representation;
  readonly #includeObject: IncludeObject;
  readonly #cache: FrameCache;
  readonly #clock: Clock;

  constructor(
    definition: ResourceDefinition,
    representation: Representation,
    includeObject: IncludeObject,
    cache: FrameCache,
    clock: Clock,
  ) {
    this.#definition = definition;
    this.#representation = representation;
    this.#includeObject = includeObject;
    this.#cache = cache;
    this.#clock = clock;
    const { as, metaVersion } = representation;
    this.key = [
      definition.group,
      definition.version,
      as,
      as === 'Object' ? '' : metaVersion,
      as === 'Table' ? includeObject : '',
    ].join('/');
  }

  /** True while the next event must carry what later ones leave out (the columns of a Table). */
  get firstDiffers(): boolean {
    return this.#representation.as === 'Table';
  }

  /**
   * @param type as this watch sees it: an object that stops matching is DELETED
   */
  event(event: StoreEvent, type: WatchEventType): Buffer {
    if (type === 'DELETED' && event.type !== 'DELETED') {
      return this.#cache.frameOf(event, `${this.key}:left`, () => this.#left(event));
    }
    return this.#cache.frameOf(event, `${this.key}:${type}`, () =>
      this.object(type, event.object, false),
    );
  }

  /** The object no longer matches: its last matching state, at the revision of the change. */
  #left(event: StoreEvent): Buffer {
    const last = decodeStored(event.previous ?? event.object, this.#definition);
    last.metadata.resourceVersion = String(event.revision);
    const { kind, apiVersion, ...rest } = last;
    const bytes = Buffer.from(JSON.stringify({ kind, apiVersion, ...rest }));
    return this.object('DELETED', { bytes }, false);
  }

  /** One event outside the history: initial state, and first events that carry columns. */
  object(type: WatchEventType, stored: Shown, withColumns: boolean): Buffer {
    return Buffer.concat([HEADS[type], this.#body(stored, withColumns), TAIL]);
  }

  #body(stored: Shown, withColumns: boolean): Buffer {
    const { as, metaVersion } = this.#representation;
    if (as === 'Object') return objectBytes(this.#definition, stored);
    const object = decodeStored(stored, this.#definition);
    if (as === 'PartialObjectMetadata') {
      return Buffer.from(JSON.stringify(partialMetadata(object, metaVersion)));
    }
    const table = tableOf(
      this.#definition,
      [object],
      { resourceVersion: object.metadata.resourceVersion ?? '' },
      {
        metaVersion,
        includeObject: this.#includeObject,
        now: this.#clock.now(),
        withColumns,
      },
    );
    return Buffer.from(JSON.stringify(table));
  }

  /** A bookmark: where the watch stands, and nothing else. */
  bookmark(revision: number, { endsInitialEvents, withColumns }: BookmarkOptions): Buffer {
    const { as, metaVersion } = this.#representation;
    const annotations = endsInitialEvents ? { [INITIAL_EVENTS_END]: 'true' } : undefined;
    const metadata = {
      resourceVersion: String(revision),
      ...(annotations === undefined ? {} : { annotations }),
    };
    const apiVersion = apiVersionOf(this.#definition.group, this.#definition.version);
    const metaAPIVersion = `meta.k8s.io/${metaVersion}`;
    const partial = { kind: 'PartialObjectMetadata', apiVersion: metaAPIVersion, metadata };
    let object: Record<string, unknown> = partial;
    if (as === 'Object') object = { kind: this.#definition.kind, apiVersion, metadata };
    else if (as === 'Table') {
      const empty = { kind: this.#definition.kind, apiVersion, metadata: { ...metadata } };
      object = tableOf(
        this.#definition,
        [empty],
        { resourceVersion: String(revision) },
        {
          metaVersion,
          includeObject: this.#includeObject,
          now: this.#clock.now(),
          withColumns,
        },
      );
    }
    return Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }
}
