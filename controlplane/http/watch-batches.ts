// Joins the events of a batch into the one buffer that all watchers at the same position write: framed for the wire, so that
// it goes to the socket as it is. Shared by everybody who waits for the same events in the same representation.
import type { StoreEvent } from '../store/types.ts';

/** A list of events as the store handed it out; its identity stands for its content. */
export type Batch = readonly StoreEvent[];

export interface Joined {
  /** A complete HTTP chunk, or WebSocket messages; empty when no event matched. */
  readonly chunk: Buffer;
  readonly events: number;
}

const NOTHING: Joined = { chunk: Buffer.alloc(0), events: 0 };

export class BatchCache {
  readonly #byFirst = new WeakMap<Batch, Map<string, Joined>>();

  /**
   * @param key what decides on the bytes beside the batches: framing, representation, namespace, selectors
   * @param events one buffer for each event that this watch sees
   * @param frame makes them ready for the wire
   */
  join(
    batches: readonly Batch[],
    key: string,
    events: () => readonly Buffer[],
    frame: (events: readonly Buffer[]) => Buffer,
  ): Joined {
    const [first] = batches;
    if (first === undefined) return NOTHING;
    let known = this.#byFirst.get(first);
    if (known === undefined) this.#byFirst.set(first, (known = new Map()));
    // Batches come to every watcher in the same order, so the first and their number name them all.
    const fullKey = `${batches.length}:${key}`;
    let joined = known.get(fullKey);
    if (joined === undefined) {
      const encoded = events();
      joined = encoded.length === 0 ? NOTHING : { chunk: frame(encoded), events: encoded.length };
      known.set(fullKey, joined);
    }
    return joined;
  }
}

const LINE_END = Buffer.from('\r\n');

/** The parts as one chunk of `Transfer-Encoding: chunked`. */
export function asChunk(parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from(`${length.toString(16)}\r\n`), ...parts, LINE_END]);
}
