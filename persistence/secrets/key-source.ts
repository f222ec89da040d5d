// Where keys come from: a file, a credential of systemd, a plugin. Each kind is one file beside this one.
import type { SecretsKey } from './secrets-key.ts';

export interface KeySource {
  /** For messages: `/var/lib/windlass.key`, `credential windlass-key`, `plugin /usr/local/bin/kms`. */
  readonly description: string;
  /**
   * The keys that can be had without a look at the data; the first one seals. Empty where there are none yet.
   *
   * @throws SecretsKeyError
   */
  load(): Promise<readonly SecretsKey[]>;
  /**
   * Makes a key that seals from now on, durable (or openable again) before it resolves.
   *
   * @throws SecretsKeyError, also where the source cannot make keys: with what to do instead
   */
  create(): Promise<SecretsKey>;
  /**
   * Forgets keys for good.
   *
   * @throws SecretsKeyError
   */
  remove(ids: ReadonlySet<string>): Promise<void>;
  /** Opens what create() left in the `wrapped` of its keys. Absent where keys are not wrapped. */
  unwrap?(wrapped: Uint8Array): Promise<SecretsKey>;
}

/** Which source, as the command line says it. */
export type KeySourceSetting =
  | { readonly type: 'file'; readonly path: string }
  /** `directory`: systemd's $CREDENTIALS_DIRECTORY; absent outside of a unit. */
  | { readonly type: 'credential'; readonly name: string; readonly directory: string | undefined }
  /** `command`: program and arguments; `environment`: of the plugin. */
  | {
      readonly type: 'exec';
      readonly command: readonly string[];
      readonly environment: Readonly<Record<string, string | undefined>>;
    };
