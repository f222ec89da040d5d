// The keys of all sources together. The first source's first key seals, all keys open: that is how keys, and sources, are changed.
import type { KeySource } from './key-source.ts';
import { SecretsKeyError } from './secrets-key.ts';
import type { SecretsKey } from './secrets-key.ts';

interface Held {
  readonly key: SecretsKey;
  readonly source: KeySource;
}

/** One key, without anything secret. */
export interface KeyDescription {
  readonly id: string;
  /** Where it comes from. */
  readonly source: string;
  readonly isSealing: boolean;
}

export class Keyring {
  readonly #first: KeySource;
  readonly #sources: readonly KeySource[];
  readonly #keys = new Map<string, Held>();
  #sealing: SecretsKey | undefined;

  private constructor(sources: readonly [KeySource, ...KeySource[]]) {
    this.#first = sources[0];
    this.#sources = sources;
  }

  /**
   * Loads what the sources hold.
   *
   * @param sources the first one's first key seals
   * @throws SecretsKeyError
   */
  static async open(sources: readonly [KeySource, ...KeySource[]]): Promise<Keyring> {
    const ring = new Keyring(sources);
    for (const source of sources) {
      for (const key of await source.load()) {
        if (source === ring.#first) ring.#sealing ??= key;
        ring.#add(key, source);
      }
    }
    return ring;
  }

  /** @throws SecretsKeyError before ensureSealingKey() where the first source had no key */
  get sealingKey(): SecretsKey {
    if (this.#sealing !== undefined) return this.#sealing;
    throw new SecretsKeyError(`Cannot seal: there is no key yet in ${this.#first.description}`);
  }

  /** For messages: where it looks for keys, and where it found none. */
  get description(): string {
    const held = new Set([...this.#keys.values()].map(({ source }) => source));
    return this.#sources
      .map((source) => `${source.description}${held.has(source) ? '' : ' (no key there)'}`)
      .join(' and ');
  }

  describe(): readonly KeyDescription[] {
    return [...this.#keys.values()].map(({ key, source }) => ({
      id: key.id,
      source: source.description,
      isSealing: key === this.#sealing,
    }));
  }

  find(id: string): SecretsKey | undefined {
    return this.#keys.get(id)?.key;
  }

  /**
   * Opens the wrapped key of an envelope with the plugin that can.
   *
   * @throws SecretsKeyError when none can, or what it opens is another key
   */
  async unwrap(id: string, wrapped: Uint8Array): Promise<void> {
    if (this.#keys.has(id)) return;
    let failure: unknown;
    for (const source of this.#sources) {
      if (source.unwrap === undefined) continue;
      try {
        const key = await source.unwrap(wrapped);
        if (key.id === id) {
          this.#add(key, source);
          return;
        }
        failure = new SecretsKeyError(
          `Cannot use the ${source.description}: it opens key ${id} to another key; is it set up for this cluster?`,
        );
      } catch (error) {
        failure = error;
      }
    }
    throw (
      failure ??
      new SecretsKeyError(
        `Cannot open key ${id}: a plugin wrapped it; add --secrets-key exec:COMMAND with the plugin that was used before`,
      )
    );
  }

  /** Whether a key comes from the source that seals. */
  isOfFirstSource(id: string): boolean {
    return this.#keys.get(id)?.source === this.#first;
  }

  /**
   * Called once all envelopes have been seen: makes the first key where there is none.
   *
   * @param newest the key of the first source that the newest envelope has, if any
   * @returns where a key was made, which should be told; undefined when there was one
   */
  async ensureSealingKey(newest: string | undefined): Promise<string | undefined> {
    this.#sealing ??= newest === undefined ? undefined : this.find(newest);
    if (this.#sealing !== undefined) return undefined;
    await this.makeSealingKey();
    return this.#first.description;
  }

  /**
   * Makes a key in the first source, which seals from now on.
   *
   * @throws SecretsKeyError
   */
  async makeSealingKey(): Promise<SecretsKey> {
    const key = await this.#first.create();
    this.#add(key, this.#first);
    this.#sealing = key;
    return key;
  }

  /**
   * Forgets keys for good. Nothing may need them any more.
   *
   * @throws SecretsKeyError
   */
  async remove(ids: ReadonlySet<string>): Promise<void> {
    if (ids.has(this.sealingKey.id)) throw new RangeError('The key that seals cannot be removed');
    for (const source of this.#sources) {
      const own = new Set([...ids].filter((id) => this.#keys.get(id)?.source === source));
      if (own.size > 0) await source.remove(own);
      for (const id of own) this.#keys.delete(id);
    }
  }

  #add(key: SecretsKey, source: KeySource): void {
    if (!this.#keys.has(key.id)) this.#keys.set(key.id, { key, source });
  }
}
