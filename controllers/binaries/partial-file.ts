// A file on its way into the store: written and hashed at the same time, under a name of its own. What is known of where its bytes came
// from lies beside it, so that the next process can go on where this one was killed.
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { copyFile, open, readFile, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { storageError } from './artifact-error.ts';
import { READ_BYTES } from './digest.ts';

/** What a source writes into. */
export interface Sink {
  /** Bytes so far. */
  readonly size: number;
  /** What `begin` was given for these bytes. */
  readonly origin: string | undefined;
  /** Throws away what is there. @param origin tells a later attempt whether it may go on behind these bytes; absent: it may not */
  begin(origin?: string): Promise<void>;
  write(chunk: Uint8Array): Promise<void>;
}

const ORIGIN = '.origin';

export class PartialFile implements Sink {
  readonly path: string;
  readonly #handle: FileHandle;
  #hash: Hash = createHash('sha256');
  #size = 0;
  #origin: string | undefined;
  #isOpen = true;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /**
   * @param earlier a partial file that somebody left; its bytes are copied, because whoever wrote it may only have been suspended
   * @throws ArtifactError for a full disk or one that cannot be written to
   */
  static async create(path: string, earlier: string | undefined): Promise<PartialFile> {
    try {
      const origin = earlier === undefined ? undefined : await originOf(earlier);
      if (earlier !== undefined && origin !== undefined)
        await copyFile(earlier, path, constants.COPYFILE_FICLONE);
      const partial = new PartialFile(path, await open(path, 'a+', 0o600));
      if (origin !== undefined) await partial.#adopt(origin);
      return partial;
    } catch (error) {
      await rm(path, { force: true }).catch(() => undefined);
      throw storageError(error, dirname(dirname(path)));
    }
  }

  get size(): number {
    return this.#size;
  }

  get origin(): string | undefined {
    return this.#origin;
  }

  /** Of the bytes so far; lower-case hex. */
  get digest(): string {
    return this.#hash.copy().digest('hex');
  }

  async begin(origin?: string): Promise<void> {
    await this.#do(async () => {
      // In this order: bytes never lie beside an origin that is not theirs.
      await rm(this.path + ORIGIN, { force: true });
      await this.#handle.truncate(0);
      if (origin !== undefined) await writeFile(this.path + ORIGIN, origin, { mode: 0o600 });
    });
    this.#hash = createHash('sha256');
    this.#size = 0;
    this.#origin = origin;
  }

  /** Hashes while the disk writes. */
  async write(chunk: Uint8Array): Promise<void> {
    const writing = this.#writeAll(chunk);
    this.#hash.update(chunk);
    await this.#do(() => writing);
    this.#size += chunk.length;
  }

  /** Everything is on the disk then, and the file closed. */
  async seal(): Promise<void> {
    await this.#do(() => this.#handle.sync());
    await this.#close();
    await rm(this.path + ORIGIN, { force: true });
  }

  /** Closes it, and leaves it for a later attempt where that can go on. */
  async leave(): Promise<void> {
    if (this.#origin === undefined || this.#size === 0) return this.discard();
    await this.#close();
  }

  /** Nothing is left of it. Never throws. */
  async discard(): Promise<void> {
    await this.#close().catch(() => undefined);
    for (const path of [this.path, this.path + ORIGIN])
      await rm(path, { force: true }).catch(() => undefined);
  }

  async #writeAll(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;)
      at += (await this.#handle.write(chunk, at, chunk.length - at)).bytesWritten;
  }

  async #adopt(origin: string): Promise<void> {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, this.#size);
      if (bytesRead === 0) break;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#size += bytesRead;
    }
    await writeFile(this.path + ORIGIN, origin, { mode: 0o600 });
    this.#origin = origin;
  }

  async #do(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw storageError(error, dirname(dirname(this.path)));
    }
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#handle.close();
  }
}

async function originOf(path: string): Promise<string | undefined> {
  return readFile(path + ORIGIN, 'utf8').catch(() => undefined);
}

/** Whether a name in the folder of partial files belongs to another one. */
export function isOriginFile(name: string): boolean {
  return name.endsWith(ORIGIN);
}

/** With what lies beside it. */
export async function removePartial(path: string): Promise<void> {
  await rm(path + ORIGIN, { force: true });
  await rm(path, { force: true });
}
