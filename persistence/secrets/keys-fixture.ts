// Keys that are known to the tests of this folder.
import type { KeySource } from './key-source.ts';
import { Keyring } from './keyring.ts';
import { SecretsKey } from './secrets-key.ts';

/** 32 bytes that begin with the name. */
export function testKey(name: string): SecretsKey {
  return new SecretsKey(Buffer.alloc(32, `${name} key `));
}

/** Keys in memory; create() takes the names that are left. */
export class TestKeys implements KeySource {
  readonly description: string = 'memory';
  readonly #keys: SecretsKey[];
  readonly #more: string[];

  constructor(names: readonly string[], more: readonly string[] = []) {
    this.#keys = names.map(testKey);
    this.#more = [...more];
  }

  load(): Promise<readonly SecretsKey[]> {
    return Promise.resolve([...this.#keys]);
  }

  create(): Promise<SecretsKey> {
    const key = testKey(this.#more.shift() ?? 'made');
    this.#keys.unshift(key);
    return Promise.resolve(key);
  }

  remove(ids: ReadonlySet<string>): Promise<void> {
    for (const id of ids)
      this.#keys.splice(
        this.#keys.findIndex((key) => key.id === id),
        1,
      );
    return Promise.resolve();
  }
}

export function testRing(...names: readonly string[]): Promise<Keyring> {
  return Keyring.open([new TestKeys(names)]);
}
