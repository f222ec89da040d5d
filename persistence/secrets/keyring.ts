// The keys that Secrets are sealed with: a small text file beside the data directory, never in it, so that a copy of the data
// alone reveals nothing. The first key seals, all keys open: that is how keys are changed.
import { createHash, randomBytes } from 'node:crypto';
import { link, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory } from '#platform/make-directory.ts';

const KEY_BYTES = 32;
const HEADER = `# Windlass secrets keys. The first line seals, every line opens. Without this file Secrets cannot be read:
# keep a copy apart from the data. One key per line: aes256gcm <32 bytes in base64>
`;
const LINE = /^aes256gcm ([A-Za-z0-9+/]{43}=)$/;

/** The key file is missing where it must not be, open to others, or not understood. The message names it. */
export class SecretsKeyError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SecretsKeyError';
  }
}

/** One key. Its bytes are private, so that no log or error can print them. */
export class SecretsKey {
  /** First 8 bytes of the SHA-256 of the key, in hexadecimal: says which key, tells nothing about it. */
  readonly id: string;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    if (bytes.length !== KEY_BYTES) throw new RangeError(`A secrets key has ${KEY_BYTES} bytes`);
    this.#bytes = bytes;
    this.id = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  }

  use<T>(work: (bytes: Buffer) => T): T {
    return work(this.#bytes);
  }
}

export class Keyring {
  /** Where the keys came from; for messages. */
  readonly path: string;
  readonly #keys: ReadonlyMap<string, SecretsKey>;
  readonly #first: SecretsKey;

  /** @param keys the first one seals */
  constructor(path: string, keys: readonly [SecretsKey, ...SecretsKey[]]) {
    this.path = path;
    this.#first = keys[0];
    this.#keys = new Map(keys.map((key) => [key.id, key]));
  }

  get sealingKey(): SecretsKey {
    return this.#first;
  }

  find(id: string): SecretsKey | undefined {
    return this.#keys.get(id);
  }
}

export interface OpenedKeyring {
  readonly keyring: Keyring;
  /** True when the file was made just now: whoever started us should be told where it lies. */
  readonly created: boolean;
}

/**
 * Reads the key file, or creates it (0600) with one random key.
 *
 * @throws SecretsKeyError
 */
export async function openKeyring(path: string): Promise<OpenedKeyring> {
  try {
    const created = await createIfAbsent(path);
    return { keyring: await read(path), created };
  } catch (error) {
    if (error instanceof SecretsKeyError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new SecretsKeyError(`Cannot use the secrets key file ${path}: ${code}`, { cause: error });
  }
}

async function createIfAbsent(path: string): Promise<boolean> {
  if (await exists(path)) return false;
  makeDirectory(dirname(path), 0o700);
  const temporary = `${path}.${randomBytes(4).toString('hex')}.new`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(`${HEADER}aes256gcm ${randomBytes(KEY_BYTES).toString('base64')}\n`);
    // Durable before anything is sealed with it.
    await file.sync();
    await file.close();
    await link(temporary, path);
  } catch (error) {
    // Somebody else was faster: theirs is as good.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
  }
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
  return true;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function read(path: string): Promise<Keyring> {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(4, '0');
    throw new SecretsKeyError(
      `Cannot use the secrets key file ${path}: its mode is ${shown}, others may read it; run chmod 600 on it, and if others could have read it, change the key`,
    );
  }
  const lines = (await readFile(path, 'utf8')).split('\n');
  const keys: SecretsKey[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const encoded = LINE.exec(line.trim())?.[1];
    if (encoded === undefined) {
      throw new SecretsKeyError(
        `Cannot use the secrets key file ${path}: line ${index + 1} is not of the form "aes256gcm <32 bytes in base64>"`,
      );
    }
    keys.push(new SecretsKey(Buffer.from(encoded, 'base64')));
  }
  const [first, ...rest] = keys;
  if (first === undefined) {
    throw new SecretsKeyError(
      `Cannot use the secrets key file ${path}: it holds no key; restore it from your copy`,
    );
  }
  return new Keyring(path, [first, ...rest]);
}
