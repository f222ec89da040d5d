// Keys in a small text file beside the data directory, never in it, so that a copy of the data alone reveals nothing. The
// first line seals, all open. Changed by replacing the file as a whole, under a lock, so that no key is ever lost.
import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { makeDirectory } from '#platform/make-directory.ts';
import { syncDirectory } from '../sync-directory.ts';
import type { KeySource } from './key-source.ts';
import { keyLine, keysOf, parseKeyText } from './key-text.ts';
import { randomKeyBytes, SecretsKey, SecretsKeyError } from './secrets-key.ts';

const HEADER = `# Windlass secrets keys. The first line seals, every line opens. Without this file Secrets cannot be read:
# keep a copy apart from the data. One key per line: aes256gcm <32 bytes in base64>
`;

/** A change takes milliseconds; whoever holds the lock longer hangs. */
const LOCK_ATTEMPTS = 100;
const LOCK_RETRY_MS = 50;

export class KeyFile implements KeySource {
  readonly #path: string;
  readonly #clock: Clock;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  get description(): string {
    return this.#path;
  }

  async load(): Promise<readonly SecretsKey[]> {
    const text = await this.#explained(() => this.#read());
    if (text === undefined) return [];
    const keys = keysOf(parseKeyText(text, this.#what));
    if (keys.length > 0) return keys;
    throw new SecretsKeyError(
      `Cannot use ${this.#what}: it holds no key; restore it from your copy`,
    );
  }

  async create(): Promise<SecretsKey> {
    const bytes = randomKeyBytes();
    await this.#change((text) =>
      text === undefined
        ? `${HEADER}${keyLine(bytes)}\n`
        : withFirst(keyLine(bytes), text, this.#what),
    );
    return new SecretsKey(bytes);
  }

  async remove(ids: ReadonlySet<string>): Promise<void> {
    await this.#change((text = '') => {
      const kept = parseKeyText(text, this.#what).filter(
        ({ key }) => key === undefined || !ids.has(key.id),
      );
      if (keysOf(kept).length === 0)
        throw new SecretsKeyError(`Cannot change ${this.#what}: no key would be left in it`);
      return kept.map((line) => line.text).join('\n');
    });
  }

  get #what(): string {
    return `the secrets key file ${this.#path}`;
  }

  /** Undefined when there is none. */
  async #read(): Promise<string | undefined> {
    let mode: number;
    try {
      ({ mode } = await stat(this.#path));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    if ((mode & 0o077) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      throw new SecretsKeyError(
        `Cannot use ${this.#what}: its mode is ${shown}, others may read it; run chmod 600 on it, and if others could have read it, change the key with windlass secrets rotate`,
      );
    }
    return readFile(this.#path, 'utf8');
  }

  /** Replaces the file by what `edit` makes of it: as a whole or not at all, and durable. One change at a time. */
  async #change(edit: (text: string | undefined) => string): Promise<void> {
    await this.#explained(async () => {
      makeDirectory(dirname(this.#path), 0o700);
      const unlock = await this.#lock();
      const temporary = `${this.#path}.${randomBytes(4).toString('hex')}.new`;
      try {
        const text = edit(await this.#read());
        const file = await open(temporary, 'wx', 0o600);
        try {
          await file.writeFile(text);
          // Durable before anything is sealed with it.
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(temporary, this.#path);
        await syncDirectory(dirname(this.#path));
      } finally {
        await rm(temporary, { force: true });
        await unlock();
      }
    });
  }

  /** That of a process which died in between is taken away. */
  async #lock(): Promise<() => Promise<void>> {
    const path = `${this.#path}.lock`;
    const own = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
    const file = await open(own, 'wx', 0o600);
    try {
      await file.writeFile(`${process.pid}\n`);
      for (let attempt = 0; ; attempt += 1) {
        try {
          // A link is there with its content or not at all.
          await link(own, path);
          return () => rm(path, { force: true });
        } catch (error) {
          if (codeOf(error) !== 'EEXIST') throw error;
          const holder = Number(await readFile(path, 'utf8').catch(() => ''));
          if (attempt === LOCK_ATTEMPTS) {
            throw new SecretsKeyError(
              `Cannot change ${this.#what}: process ${holder} is changing it; if it is not, remove ${path}`,
              { cause: error },
            );
          }
          if (isAlive(holder)) await sleep(this.#clock, LOCK_RETRY_MS);
          else await rm(path, { force: true });
        }
      }
    } finally {
      await file.close();
      await rm(own, { force: true });
    }
  }

  async #explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof SecretsKeyError) throw error;
      const code = codeOf(error);
      const next =
        code === 'EACCES' || code === 'EPERM'
          ? '; the user that runs the server must own it'
          : code === 'EISDIR'
            ? '; it must be a file'
            : '';
      throw new SecretsKeyError(`Cannot use ${this.#what}: ${code}${next}`, { cause: error });
    }
  }
}

/** The new key goes before the first one there is, below the comments that head the file. */
function withFirst(line: string, text: string, what: string): string {
  const lines = parseKeyText(text, what);
  const first = lines.findIndex(({ key }) => key !== undefined);
  const before = first < 0 ? lines.length : first;
  return [...lines.slice(0, before), { text: line }, ...lines.slice(before)]
    .map((each) => each.text)
    .join('\n');
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
