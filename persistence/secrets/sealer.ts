// Seals the kinds that hold secrets on their way to storage and opens them on the way back. The shape is the store's
// Transformer; nothing here knows the store. It also knows which key each object is sealed with, for the change of keys.
import type { LogRecord } from '../provider.ts';
import { readHeader, seal, unseal } from './envelope.ts';
import type { Place } from './envelope.ts';
import type { Keyring } from './keyring.ts';

/** Storage keys of the kinds that are always sealed: found in the clear, they are refused. */
export const SECRET_KINDS: readonly string[] = ['core/secrets'];

/** `W`, of envelopes; JSON starts with `{`. */
const ENVELOPE_START = 0x57;

export class Sealer {
  readonly keyring: Keyring;
  /** Storage keys of all kinds that are sealed. */
  readonly kinds: ReadonlySet<string>;
  readonly #always = new Set(SECRET_KINDS);
  /** What the newest version of each object was sealed with when it was loaded; '' for what lies in the clear. */
  readonly #loaded = new Map<string, { readonly revision: number; readonly keyId: string }>();
  /** From which revision on this process sealed with which key. */
  readonly #since: { readonly revision: number; readonly keyId: string }[] = [];
  #newestOfFirstSource: string | undefined;
  #madeKeyIn: string | undefined;

  /** @param moreKinds sealed when they are next written; what lies there in the clear is still read */
  constructor(keyring: Keyring, moreKinds: readonly string[] = []) {
    this.keyring = keyring;
    this.kinds = new Set([...SECRET_KINDS, ...moreKinds]);
  }

  /**
   * Fetches the keys that records need and that only waiting brings.
   *
   * @throws SecretsKeyError
   */
  async prepare(records: readonly LogRecord[]): Promise<void> {
    for (const { value } of records) {
      if (value === undefined || value[0] !== ENVELOPE_START) continue;
      const header = readHeader(value);
      if (header === undefined || header.wrapped.length === 0) continue;
      if (this.keyring.find(header.keyId) === undefined)
        await this.keyring.unwrap(header.keyId, header.wrapped);
    }
  }

  /**
   * When everything has been loaded, before the first write.
   *
   * @throws SecretsKeyError
   */
  async loaded(): Promise<void> {
    this.#madeKeyIn = await this.keyring.ensureSealingKey(this.#newestOfFirstSource);
  }

  /** The source in which loaded() made the first key; undefined when there was one. */
  get madeKeyIn(): string | undefined {
    return this.#madeKeyIn;
  }

  toStorage(kind: string, key: string, bytes: Uint8Array, revision: number): Uint8Array {
    if (!this.kinds.has(kind)) return bytes;
    const keyId = this.keyring.sealingKey.id;
    if (revision !== 0 && this.#since.at(-1)?.keyId !== keyId)
      this.#since.push({ revision, keyId });
    return seal(this.keyring, bytes, { kind, key, revision });
  }

  /** @throws SecretsKeyError: nothing is served that could not be opened */
  fromStorage(kind: string, key: string, bytes: Uint8Array, revision: number): Uint8Array {
    const place = { kind, key, revision };
    if (!this.#isSealed(kind, bytes)) {
      if (this.kinds.has(kind)) this.#note(place, '');
      return bytes;
    }
    const plain = unseal(this.keyring, bytes, place);
    const keyId = readHeader(bytes)?.keyId ?? '';
    this.#note(place, keyId);
    if (this.keyring.isOfFirstSource(keyId)) this.#newestOfFirstSource = keyId;
    return plain;
  }

  /** Which key the version of an object at `revision` is sealed with in storage; '' when it lies there in the clear. */
  keyIdOf({ kind, key, revision }: Place): string {
    const loaded = this.#loaded.get(`${kind}\0${key}`);
    if (loaded?.revision === revision) return loaded.keyId;
    return this.#since.findLast((since) => since.revision <= revision)?.keyId ?? '';
  }

  #isSealed(kind: string, bytes: Uint8Array): boolean {
    return this.#always.has(kind) || bytes[0] === ENVELOPE_START;
  }

  #note({ kind, key, revision }: Place, keyId: string): void {
    this.#loaded.set(`${kind}\0${key}`, { revision, keyId });
  }
}
