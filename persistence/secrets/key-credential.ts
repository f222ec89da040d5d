// Keys that systemd hands to the unit (LoadCredential=, LoadCredentialEncrypted=): read, never written. No look at the mode:
// systemd guards the folder, and shows an access list for the unit's user as group bits.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeySource } from './key-source.ts';
import { keysOf, parseKeyText } from './key-text.ts';
import { SecretsKeyError } from './secrets-key.ts';
import type { SecretsKey } from './secrets-key.ts';

export class KeyCredential implements KeySource {
  readonly description: string;
  readonly #name: string;
  readonly #directory: string | undefined;

  /** @param directory systemd's $CREDENTIALS_DIRECTORY; absent outside of a unit */
  constructor(name: string, directory: string | undefined) {
    this.description = `credential ${name}`;
    this.#name = name;
    this.#directory = directory;
  }

  async load(): Promise<readonly SecretsKey[]> {
    const what = `--secrets-key credential:${this.#name}`;
    if (this.#directory === undefined || this.#directory === '') {
      throw new SecretsKeyError(
        `Cannot use ${what}: $CREDENTIALS_DIRECTORY is not set; run as a unit of systemd with LoadCredential=${this.#name}:…, or use file:PATH`,
      );
    }
    const path = join(this.#directory, this.#name);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      throw new SecretsKeyError(
        code === 'ENOENT'
          ? `Cannot use ${what}: the unit has no such credential; add LoadCredential=${this.#name}:… or LoadCredentialEncrypted=${this.#name}:… to it`
          : `Cannot use ${what}: ${path}: ${code}`,
        { cause: error },
      );
    }
    const keys = keysOf(parseKeyText(text, what));
    if (keys.length > 0) return keys;
    throw new SecretsKeyError(
      `Cannot use ${what}: it holds no key; a line of it must be "aes256gcm <32 bytes in base64>"`,
    );
  }

  create(): Promise<SecretsKey> {
    return Promise.reject(
      new SecretsKeyError(
        `Cannot add a key to credential ${this.#name}: credentials are read-only here; put a new first line "aes256gcm <32 bytes in base64>" into it, restart, then run windlass secrets rotate`,
      ),
    );
  }

  remove(): Promise<void> {
    return Promise.reject(
      new SecretsKeyError(
        `Cannot take a key out of credential ${this.#name}: credentials are read-only here; take its line out yourself and restart`,
      ),
    );
  }
}
