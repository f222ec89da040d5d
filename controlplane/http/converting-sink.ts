// Events of a kind whose objects a webhook converts, on their way to one watcher: each batch waits for its conversion, and for those
// before it. Watchers of the same version share what was converted.
import { ApiError } from '../api/errors.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { Shows } from '../registry/list-shown.ts';
import type { StoreEvent, WatchSink } from '../store/types.ts';

import type { Batch } from './watch-batches.ts';

/** Bytes that may wait for the webhook; a watcher behind more than that is let go. */
const MOST_WAITING_BYTES = 32 * 1024 * 1024;

const converted = new WeakMap<Batch, WeakMap<ResourceDefinition, Promise<Batch>>>();

export interface ConvertingOptions {
  readonly shows: Shows;
  readonly definition: ResourceDefinition;
  readonly sink: WatchSink;
  /** Ends with the watch. */
  readonly signal: AbortSignal;
  /** What a webhook would not convert, or a watcher that is too far behind: nothing more comes. */
  readonly onFailed: (error: unknown) => void;
}

export class ConvertingSink implements WatchSink {
  readonly #options: ConvertingOptions;
  #last: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  #hasFailed = false;

  constructor(options: ConvertingOptions) {
    this.#options = options;
  }

  /** True while the watcher has not got all that has happened. */
  get isBehind(): boolean {
    return this.#waitingBytes > 0;
  }

  events(batch: Batch): void {
    if (this.#hasFailed) return;
    const size = batch.reduce((sum, { object }) => sum + object.bytes.length, 0);
    this.#waitingBytes += size;
    if (this.#waitingBytes > MOST_WAITING_BYTES) {
      this.#fail(new ApiError(500, '', 'events wait too long for the conversion webhook'));
      return;
    }
    const conversion = convertedBatch(this.#options, batch);
    this.#last = this.#last
      .then(async () => {
        const events = await conversion;
        this.#waitingBytes -= size;
        if (!this.#hasFailed && !this.#options.signal.aborted) this.#options.sink.events(events);
      })
      .catch((error: unknown) => this.#fail(error));
    conversion.catch(() => undefined);
  }

  closed(): void {
    void this.#last.then(() => this.#options.sink.closed());
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.onFailed(error);
  }
}

function convertedBatch({ shows, definition }: ConvertingOptions, batch: Batch): Promise<Batch> {
  const known = converted.get(batch) ?? new WeakMap<ResourceDefinition, Promise<Batch>>();
  converted.set(batch, known);
  let conversion = known.get(definition);
  if (conversion === undefined) {
    conversion = convert(shows, definition, batch);
    known.set(definition, conversion);
    // The next watcher shall ask again: the webhook may be back.
    conversion.catch(() => known.delete(definition));
  }
  return conversion;
}

async function convert(shows: Shows, definition: ResourceDefinition, batch: Batch): Promise<Batch> {
  const stored = batch.flatMap(({ object, previous }) =>
    previous === undefined ? [object] : [object, previous],
  );
  const shown = new Map((await shows.show(definition, stored)).map((one, at) => [stored[at], one]));
  return batch.map((event): StoreEvent => {
    const { object, previous } = event;
    return {
      ...event,
      object: shown.get(object) ?? object,
      previous: previous === undefined ? undefined : shown.get(previous),
      frames: new Map(),
    };
  });
}
