// An object store in memory, with several processes before it that are taken turns by a seeded choice, and with the faults that
// networks have: answers that get lost, requests that arrive long after they were given up, stores that are full for a while.
import { createHash } from 'node:crypto';
import { StorageFullError, StorageUnreachableError } from '../errors.ts';
import { NothingWrittenError } from './blob-store.ts';
import type { BlobEntry, BlobStore } from './blob-store.ts';

/** Numbers in [0, 1) from a seed: the same ones each time. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // mulberry32
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How often, each in [0, 1]. */
export interface FaultRates {
  readonly refused: number;
  readonly lostAnswer: number;
  /** Given up, and done later, or never. */
  readonly late: number;
  readonly full: number;
}

export const NO_FAULTS: FaultRates = { refused: 0, lostAnswer: 0, late: 0, full: 0 };

export class FaultyWorld {
  readonly blobs = new Map<string, Uint8Array>();
  readonly random: () => number;
  rates: FaultRates = NO_FAULTS;
  /** Requests that nobody waits for any more. */
  #late: (() => void)[] = [];
  #waiting: (() => void)[] = [];
  #isTurning = false;

  constructor(seed: number) {
    this.random = randomFrom(seed);
  }

  /** Another process' view. */
  open(): BlobStore {
    return new FaultyStore(this);
  }

  /** Waits until the seed chooses this one among all who wait. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#isTurning) return;
      this.#isTurning = true;
      this.#schedule();
    });
  }

  later(work: () => void): void {
    this.#late.push(work);
  }

  /** What is still on its way arrives. */
  deliver(): void {
    for (const work of this.#late.splice(0)) work();
  }

  #next(): void {
    if (this.#late.length > 0 && this.random() < 0.1) {
      const [work] = this.#late.splice(Math.floor(this.random() * this.#late.length), 1);
      // Some never arrive.
      if (this.random() < 0.8) work?.();
    }
    const [chosen] = this.#waiting.splice(Math.floor(this.random() * this.#waiting.length), 1);
    chosen?.();
    if (this.#waiting.length === 0) this.#isTurning = false;
    else this.#schedule();
  }

  #schedule(): void {
    // The loop must turn, so that everybody who goes on now is waiting again before the next is chosen.
    // oxlint-disable-next-line no-restricted-globals
    setImmediate(() => this.#next());
  }
}

class FaultyStore implements BlobStore {
  readonly location = 'memory';
  readonly #world: FaultyWorld;

  constructor(world: FaultyWorld) {
    this.#world = world;
  }

  probe(): Promise<void> {
    return Promise.resolve();
  }

  putIfAbsent(name: string, body: Uint8Array): Promise<'created' | 'exists'> {
    const copy = Uint8Array.from(body);
    return this.#change(() => {
      if (this.#world.blobs.has(name)) return 'exists';
      this.#world.blobs.set(name, copy);
      return 'created';
    });
  }

  put(name: string, body: Uint8Array, tag?: string): Promise<'written' | 'mismatch'> {
    const copy = Uint8Array.from(body);
    return this.#change(() => {
      const found = this.#world.blobs.get(name);
      if (tag !== undefined && (found === undefined || tagOf(found) !== tag)) return 'mismatch';
      this.#world.blobs.set(name, copy);
      return 'written';
    });
  }

  async get(
    name: string,
  ): Promise<{ readonly body: Uint8Array; readonly tag: string } | undefined> {
    await this.#ask();
    const body = this.#world.blobs.get(name);
    return body && { body: Uint8Array.from(body), tag: tagOf(body) };
  }

  async *list(folder: string, after = ''): AsyncIterable<BlobEntry> {
    await this.#ask();
    const names = [...this.#world.blobs.keys()].filter(
      (name) => name.startsWith(`${folder}/`) && name > after,
    );
    for (const name of names.toSorted()) {
      const size = this.#world.blobs.get(name)?.length;
      if (size !== undefined) yield { name, size };
    }
  }

  async delete(name: string): Promise<void> {
    await this.#change(() => this.#world.blobs.delete(name));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #ask(): Promise<void> {
    await this.#world.turn();
    const { random, rates } = this.#world;
    if (random() < rates.refused) throw new StorageUnreachableError('refused');
  }

  async #change<T>(work: () => T): Promise<T> {
    await this.#world.turn();
    const { random, rates } = this.#world;
    if (random() < rates.refused) throw new NothingWrittenError('refused');
    if (random() < rates.full) throw new StorageFullError('memory');
    if (random() < rates.late) {
      this.#world.later(work);
      throw new StorageUnreachableError('no answer in time');
    }
    const result = work();
    if (random() < rates.lostAnswer) throw new StorageUnreachableError('the answer got lost');
    await this.#world.turn();
    return result;
  }
}

function tagOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
