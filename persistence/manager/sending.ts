// Batches of the tail to a replica, many in one append. Of large ones the buffer is used again: fresh memory costs several times what is
// copied into it, and buffers that are thrown away make the garbage collector look through everything.
import { joinBatches } from '../encoding.ts';
import type { ManagedInstance } from './instance.ts';
import type { TailEntry } from './tail.ts';

/** Bytes that go to a replica in one append. */
export const APPEND_BYTES = 4 << 20;
/** Below it a buffer is made for each append. */
const LARGE_BYTES = 256 << 10;

export class Sending {
  readonly #instance: ManagedInstance;
  /** Nobody uses it. */
  #spare: ArrayBuffer | undefined;

  constructor(instance: ManagedInstance) {
    this.#instance = instance;
  }

  /** @throws what append() throws */
  async append(entries: readonly TailEntry[], epoch: number): Promise<void> {
    const { provider, name } = this.#instance;
    const batches = entries.map(({ batch }) => batch);
    const bytes = batches.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (provider.appendAndReturn === undefined || bytes < LARGE_BYTES || bytes > APPEND_BYTES) {
      await provider.append(name, joinBatches(batches, epoch));
      return;
    }
    const spare = this.#spare ?? new ArrayBuffer(APPEND_BYTES);
    this.#spare = undefined;
    this.#spare = await provider.appendAndReturn(name, joinBatches(batches, epoch, spare));
  }

  /** Nothing more is to be sent for now. */
  rest(): void {
    this.#spare?.transfer(0);
    this.#spare = undefined;
  }
}
