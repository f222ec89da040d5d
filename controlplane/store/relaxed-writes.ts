// Writes that were acknowledged from memory (--relaxed) and are not durable yet. They go first into the next batch, so that the log
// keeps the order of revisions. Their revisions stay below a ceiling that is durable: a restart begins above it.
import { encodedSize } from '#persistence/encoding.ts';
import type { Write } from './write.ts';
import type { Revision } from './types.ts';

const MAXIMUM_BYTES = 4 << 20;
const MAXIMUM_OBJECTS = 1_024;

export class RelaxedWrites {
  #unflushed: Write[] = [];
  #bytes = 0;
  /** Durable: revisions up to here may be handed out before what they stand for is durable. */
  #ceiling: Revision = 0;
  #isFailing = false;

  /** In order of revision; all published. */
  get unflushed(): readonly Write[] {
    return this.#unflushed;
  }

  raiseCeiling(ceiling: Revision): void {
    this.#ceiling = ceiling;
  }

  /** Whether a write may be acknowledged now. All before it must be published. */
  accepts(write: Write): boolean {
    return (
      write.isRelaxed &&
      !this.#isFailing &&
      write.record.revision <= this.#ceiling &&
      this.#unflushed.length < MAXIMUM_OBJECTS &&
      this.#bytes < MAXIMUM_BYTES
    );
  }

  add(write: Write): void {
    this.#unflushed.push(write);
    this.#bytes += encodedSize(write.record);
  }

  /** What was taken along by a batch is durable. */
  flushed(): void {
    this.#unflushed = [];
    this.#bytes = 0;
    this.#isFailing = false;
  }

  /** The storage takes nothing now: until it does again, nothing more is acknowledged from memory. */
  failed(): void {
    this.#isFailing = true;
  }
}
