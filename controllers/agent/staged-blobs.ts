// Parts of images on their way to this machine: a folder of files named by their digests. What came once need not come again, also
// when the agent or whoever sends it was ended in the middle.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageError } from './image-error.ts';

/** Left free for everything else on the disk. */
const RESERVE_BYTES = 256 << 20;
const LARGEST_BLOB_BYTES = 64 * 2 ** 30;
/** What nobody has come back for by then is thrown away. */
const KEPT_MS = 24 * 3600 * 1000;
const PARTIAL = '.part';

export interface BlobChunk {
  /** `sha256:…` of the whole. */
  readonly digest: string;
  /** Where in the whole these bytes belong. */
  readonly offset: number;
  /** Of the whole, in bytes. */
  readonly size: number;
  readonly bytes: Buffer;
}

export class StagedBlobs {
  readonly #folder: string;
  readonly #reserveBytes: number;
  /** The last write of each blob: two senders of one take turns. */
  readonly #writes = new Map<string, Promise<unknown>>();

  constructor(folder: string, reserveBytes = RESERVE_BYTES) {
    this.#folder = folder;
    this.#reserveBytes = reserveBytes;
  }

  /** Removes what is old. @param now milliseconds since the epoch */
  async sweep(now: number): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      const info = await stat(path).catch(() => undefined);
      if (info !== undefined && now - info.mtimeMs > KEPT_MS) await rm(path, { force: true });
    }
  }

  fileOf(digest: string): string {
    return join(this.#folder, digest.replace(/^sha256:/, ''));
  }

  async has(digest: string): Promise<boolean> {
    return (await sizeOf(this.fileOf(digest))) !== undefined;
  }

  /** Bytes that are here, of a whole one all. */
  async received(digest: string): Promise<number> {
    const file = this.fileOf(digest);
    return (await sizeOf(file)) ?? (await sizeOf(file + PARTIAL)) ?? 0;
  }

  /**
   * Appends what fits at the end of what is here.
   *
   * @returns bytes that are here now: where to go on
   * @throws ImageError when the disk is full, or the whole does not fit its digest (then it is thrown away)
   */
  async append(chunk: BlobChunk): Promise<number> {
    const before = this.#writes.get(chunk.digest) ?? Promise.resolve();
    const writing = before.catch(() => undefined).then(() => this.#append(chunk));
    this.#writes.set(chunk.digest, writing);
    try {
      return await writing;
    } finally {
      if (this.#writes.get(chunk.digest) === writing) this.#writes.delete(chunk.digest);
    }
  }

  async remove(digests: readonly string[]): Promise<void> {
    for (const digest of digests) await rm(this.fileOf(digest), { force: true });
  }

  async #append({ digest, offset, size, bytes }: BlobChunk): Promise<number> {
    const file = this.fileOf(digest);
    const whole = await sizeOf(file);
    if (whole !== undefined) return whole;
    const part = file + PARTIAL;
    const received = (await sizeOf(part)) ?? 0;
    if (received > size) await rm(part, { force: true });
    if (offset !== received) return received > size ? 0 : received;
    if (size > LARGEST_BLOB_BYTES || offset + bytes.length > size)
      throw new ImageError(
        400,
        'BadRequest',
        `blob ${digest} is not of ${size} bytes, or too large`,
      );
    if (offset === 0) await this.#checkSpace(size);
    await write(part, bytes, this.#folder);
    if (received + bytes.length < size) return received + bytes.length;
    const found = await digestOf(part);
    if (found !== digest) {
      await rm(part, { force: true });
      throw new ImageError(
        400,
        'BadRequest',
        `blob ${digest} came with other bytes, of ${found}; send it again`,
      );
    }
    await rename(part, file);
    return size;
  }

  async #checkSpace(size: number): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(this.#folder);
    const free = Math.max(0, bavail * bsize - this.#reserveBytes);
    if (size > free) throw diskFull(this.#folder, `${size} bytes are needed and ${free} are free`);
  }
}

async function write(path: string, bytes: Buffer, folder: string): Promise<void> {
  const handle = await open(path, 'a', 0o600);
  try {
    await handle.appendFile(bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    throw diskFull(folder, 'no space is left');
  } finally {
    await handle.close();
  }
}

function diskFull(folder: string, why: string): ImageError {
  return new ImageError(
    507,
    'InsufficientStorage',
    `the disk of ${folder} is full: ${why}; free some, for example with docker image prune`,
  );
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}
