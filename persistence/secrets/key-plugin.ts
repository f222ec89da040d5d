// Keys that a plugin keeps closed, as a KMS does: each is random and made here, the plugin wraps it once, and the wrapped form
// travels in every envelope. So a start costs one question per key in use, a rotation two, a write none; and the data needs
// nothing but the plugin to be opened elsewhere.
import type { Clock } from '#platform/clock.ts';
import { askPlugin } from './exec-plugin.ts';
import type { PluginOptions } from './exec-plugin.ts';
import type { KeySource } from './key-source.ts';
import { KEY_BYTES, randomKeyBytes, SecretsKey, SecretsKeyError } from './secrets-key.ts';

/** Longest wrapped key, in bytes: it is in every envelope. */
export const LONGEST_WRAPPED_BYTES = 4_096;

export class KeyPlugin implements KeySource {
  readonly description: string;
  readonly #options: PluginOptions;

  constructor(
    command: readonly string[],
    environment: Readonly<Record<string, string | undefined>>,
    clock: Clock,
  ) {
    this.description = `plugin ${command[0] ?? ''}`;
    this.#options = { command, environment, clock };
  }

  /** Which keys there are is known only from the envelopes. */
  load(): Promise<readonly SecretsKey[]> {
    return Promise.resolve([]);
  }

  async create(): Promise<SecretsKey> {
    const bytes = randomKeyBytes();
    const plaintext = bytes.toString('base64');
    const wrapped = await askPlugin(this.#options, { operation: 'wrap', plaintext }, 'ciphertext');
    const trouble =
      wrapped.length === 0 || wrapped.length > LONGEST_WRAPPED_BYTES
        ? `its ciphertext has ${wrapped.length} bytes, from 1 to ${LONGEST_WRAPPED_BYTES} are possible`
        : wrapped.includes(bytes)
          ? 'its ciphertext holds the key in the clear'
          : undefined;
    if (trouble !== undefined) throw this.#refused(trouble);
    // Better now than at the next start: what it cannot open again would be lost.
    const opened = await this.unwrap(wrapped);
    if (!opened.use((again) => again.equals(bytes)))
      throw this.#refused('it unwraps to another key than it wrapped');
    return opened;
  }

  remove(): Promise<void> {
    // Wrapped keys are in the envelopes only: with the last one the key is gone.
    return Promise.resolve();
  }

  async unwrap(wrapped: Uint8Array): Promise<SecretsKey> {
    const ciphertext = Buffer.from(wrapped).toString('base64');
    const bytes = await askPlugin(this.#options, { operation: 'unwrap', ciphertext }, 'plaintext');
    if (bytes.length !== KEY_BYTES)
      throw this.#refused(`it unwraps to ${bytes.length} bytes, ${KEY_BYTES} are needed`);
    return new SecretsKey(bytes, wrapped);
  }

  #refused(why: string): SecretsKeyError {
    return new SecretsKeyError(`Cannot use the ${this.description} for secrets keys: ${why}`);
  }
}
