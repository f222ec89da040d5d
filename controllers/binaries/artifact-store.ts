// Files by their SHA-256: `<folder>/sha256/<hex>`. A name is given only to bytes that were hashed on their way in, after they were made
// durable; what is found under a name is verified again before it is used the first time, and from time to time.
import { createHash } from 'node:crypto';
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import { ArtifactError, storageError } from './artifact-error.ts';
import { digestOfFile, parseDigest } from './digest.ts';
import { isOriginFile, PartialFile, removePartial } from './partial-file.ts';
import { readPieces } from './read-pieces.ts';
import { SingleFlight } from './single-flight.ts';
import { lockFile } from './store-lock.ts';
import { syncFolder } from './sync-folder.ts';

export interface StoreOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** An entry is hashed again when it is used so long after the last time; 6 h by default. */
  readonly verifyEveryMs?: number;
  /** What a killed process left is kept so long for the next to go on with; 24 h by default. */
  readonly partialKeptMs?: number;
  /** Told of each entry that was found with other bytes than its name says, and removed. */
  readonly onDamage?: (digest: string) => void;
}

export interface StoredArtifact {
  /** Lower-case hex. */
  readonly digest: string;
  readonly size: number;
  readonly path: string;
}

export interface StoreEntry extends StoredArtifact {
  /** Milliseconds since the epoch. */
  readonly lastUsed: number;
}

/** Brings the bytes; what it wrote must have the digest that was asked for. */
export type Fill = (partial: PartialFile, signal: AbortSignal) => Promise<void>;

interface Verified {
  readonly size: number;
  readonly modifiedMs: number;
  readonly inode: number;
  readonly at: number;
}

const VERIFY_EVERY_MS = 6 * 3600_000;
const PARTIAL_KEPT_MS = 24 * 3600_000;
/** Uses are noted no more often. */
const USE_NOTED_MS = 60_000;

export class ArtifactStore {
  readonly folder: string;
  readonly #options: StoreOptions;
  readonly #flights = new SingleFlight<StoredArtifact>();
  readonly #checks = new SingleFlight<StoredArtifact | undefined>();
  /** What this process has hashed itself. */
  readonly #verified = new Map<string, Verified>();

  /** Nothing is made on the disk yet. */
  constructor(options: StoreOptions) {
    this.folder = options.folder;
    this.#options = options;
  }

  pathOf(digest: string): string {
    const hex = parseDigest(digest);
    if (hex === undefined)
      throw new ArtifactError('Invalid', `${JSON.stringify(digest)} is no SHA-256`);
    return join(this.folder, 'sha256', hex);
  }

  /** What is there under this digest, verified; a damaged entry is removed and not there. */
  async find(digest: string, signal: AbortSignal): Promise<StoredArtifact | undefined> {
    return this.#checks.run(digest, (inner) => this.#check(digest, false, inner), signal);
  }

  /** As `find`, and hashes in any case. */
  async verify(digest: string, signal: AbortSignal): Promise<StoredArtifact | undefined> {
    return this.#checks.run(`${digest} again`, (inner) => this.#check(digest, true, inner), signal);
  }

  /**
   * What is there, else what `fill` brings. Whoever asks for the same in the meantime, here or in another process, waits for that.
   *
   * @throws ArtifactError `ChecksumMismatch` when it brings other bytes; what `fill` throws; the signal's reason
   */
  obtain(digest: string, fill: Fill, signal: AbortSignal): Promise<StoredArtifact> {
    return this.#flights.run(digest, (inner) => this.#obtain(digest, fill, inner), signal);
  }

  /** The bytes of an entry that `find` or `obtain` answered with. Once begun, a removal does not end it. */
  read(digest: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return readPieces(this.pathOf(digest), signal);
  }

  /** Everything that has a name, not verified; the least recently used first. */
  async list(): Promise<readonly StoreEntry[]> {
    const folder = join(this.folder, 'sha256');
    const entries: StoreEntry[] = [];
    for (const name of await namesIn(folder)) {
      if (parseDigest(name) !== name) continue;
      const info = await lstat(join(folder, name)).catch(() => undefined);
      if (info?.isFile() !== true) continue;
      const { size, atimeMs, mtimeMs } = info;
      const lastUsed = Math.max(atimeMs, mtimeMs);
      entries.push({ digest: name, size, path: join(folder, name), lastUsed });
    }
    return entries.toSorted((left, right) => left.lastUsed - right.lastUsed);
  }

  async remove(digest: string): Promise<void> {
    this.#verified.delete(digest);
    await rm(this.pathOf(digest), { recursive: true, force: true });
  }

  /** Keeps what came in a bundle, though no Artifact may name it yet; until releaseBundles(). @param digests in hex */
  async keepBundle(digests: readonly string[]): Promise<void> {
    try {
      const folder = join(this.folder, 'bundles');
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const text = JSON.stringify(digests.toSorted());
      const name = createHash('sha256').update(text).digest('hex');
      const partial = join(folder, `.${name}.${this.#options.ids.hex(8)}`);
      await writeFile(partial, text, { mode: 0o600, flush: true });
      await rename(partial, join(folder, `${name}.json`));
      await syncFolder(folder);
    } catch (error) {
      throw storageError(error, this.folder);
    }
  }

  /** What came in bundles is kept no longer than anything else. */
  async releaseBundles(): Promise<void> {
    await rm(join(this.folder, 'bundles'), { recursive: true, force: true });
  }

  /**
   * Removes entries that nobody keeps and that were not used for a while, and what killed processes left behind.
   *
   * @param keep digests in hex
   * @returns what was removed
   */
  async collect(keep: ReadonlySet<string>, unusedMs: number): Promise<readonly StoreEntry[]> {
    const now = this.#options.clock.now();
    const removed: StoreEntry[] = [];
    const bundled = await this.#bundled();
    for (const entry of await this.list()) {
      if (keep.has(entry.digest) || bundled.has(entry.digest)) continue;
      if (now - entry.lastUsed < unusedMs) continue;
      await this.remove(entry.digest);
      removed.push(entry);
    }
    await this.#sweep(now);
    return removed;
  }

  async #obtain(digest: string, fill: Fill, signal: AbortSignal): Promise<StoredArtifact> {
    const hit = await this.find(digest, signal);
    if (hit !== undefined) return hit;
    const { clock, ids } = this.#options;
    await this.#makeFolders();
    const locked = join(this.folder, 'locks', digest);
    await using _lock = await lockFile(locked, { clock, ids }, signal).catch((error: unknown) => {
      throw storageError(error, this.folder);
    });
    // Whoever held it may have fetched it.
    const meanwhile = await this.find(digest, signal);
    if (meanwhile !== undefined) return meanwhile;
    const earlier = await this.#leftOver(digest);
    const path = join(this.folder, 'partial', `${digest}.${ids.hex(8)}`);
    const partial = await PartialFile.create(path, earlier);
    if (earlier !== undefined) await removePartial(earlier);
    try {
      await fill(partial, signal);
      return await this.#admit(digest, partial);
    } catch (error) {
      const keeps =
        !(error instanceof ArtifactError) ||
        error.failure === 'Unreachable' ||
        error.failure === 'RateLimited';
      await (keeps ? partial.leave() : partial.discard());
      throw storageError(error, this.folder);
    }
  }

  async #admit(digest: string, partial: PartialFile): Promise<StoredArtifact> {
    if (partial.digest !== digest)
      throw new ArtifactError(
        'ChecksumMismatch',
        `SHA-256 is ${partial.digest}, and should be ${digest}; nothing was replaced`,
      );
    const path = this.pathOf(digest);
    await partial.seal();
    await rename(partial.path, path);
    await syncFolder(join(this.folder, 'sha256'));
    await this.#note(digest, path);
    return { digest, size: partial.size, path };
  }

  async #check(
    digest: string,
    isDeep: boolean,
    signal: AbortSignal,
  ): Promise<StoredArtifact | undefined> {
    const path = this.pathOf(digest);
    const { clock, verifyEveryMs = VERIFY_EVERY_MS, onDamage } = this.#options;
    const info = await lstat(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw storageError(error, this.folder);
    });
    if (info === undefined) {
      this.#verified.delete(digest);
      return undefined;
    }
    const known = this.#verified.get(digest);
    const isKnown =
      known !== undefined &&
      known.size === info.size &&
      known.modifiedMs === info.mtimeMs &&
      known.inode === info.ino &&
      clock.monotonic() - known.at < verifyEveryMs;
    if (isDeep || !isKnown) {
      const found = info.isFile() ? await this.#digestOf(path, signal) : '';
      if (found !== digest) {
        await this.remove(digest).catch((error: unknown) => {
          throw storageError(error, this.folder);
        });
        onDamage?.(digest);
        return undefined;
      }
      await this.#note(digest, path);
    }
    await this.#noteUse(path, info.atimeMs, info.mtimeMs);
    return { digest, size: info.size, path };
  }

  async #digestOf(path: string, signal: AbortSignal): Promise<string> {
    try {
      return await digestOfFile(path, signal);
    } catch (error) {
      if (isMissing(error)) return '';
      throw storageError(error, this.folder);
    }
  }

  async #note(digest: string, path: string): Promise<void> {
    const info = await stat(path).catch(() => undefined);
    if (info === undefined) return;
    const { size, mtimeMs: modifiedMs, ino: inode } = info;
    const at = this.#options.clock.monotonic();
    this.#verified.set(digest, { size, modifiedMs, inode, at });
  }

  /** For the collection. A store that cannot be written to is still read from. */
  async #noteUse(path: string, usedMs: number, modifiedMs: number): Promise<void> {
    const now = this.#options.clock.now();
    if (now - usedMs < USE_NOTED_MS) return;
    await utimes(path, now / 1000, modifiedMs / 1000).catch(() => undefined);
    const digest = path.slice(-64);
    if (this.#verified.has(digest)) await this.#note(digest, path);
  }

  async #makeFolders(): Promise<void> {
    try {
      for (const name of ['sha256', 'partial', 'locks'])
        await mkdir(join(this.folder, name), { recursive: true, mode: 0o700 });
    } catch (error) {
      throw storageError(error, this.folder);
    }
  }

  /** Of a process that was killed. Called by the holder of the lock: nobody else writes one for this digest. */
  async #leftOver(digest: string): Promise<string | undefined> {
    const folder = join(this.folder, 'partial');
    const names = (await namesIn(folder)).filter(
      (name) => name.startsWith(`${digest}.`) && !isOriginFile(name),
    );
    const [first, ...rest] = names.map((name) => join(folder, name));
    for (const path of rest) await removePartial(path);
    return first;
  }

  async #bundled(): Promise<ReadonlySet<string>> {
    const folder = join(this.folder, 'bundles');
    const digests = new Set<string>();
    for (const name of await namesIn(folder)) {
      if (!name.endsWith('.json')) continue;
      const text = await readFile(join(folder, name), 'utf8').catch(() => '');
      for (const [digest] of text.matchAll(/[0-9a-f]{64}/g)) digests.add(digest);
    }
    return digests;
  }

  async #sweep(now: number): Promise<void> {
    const { partialKeptMs = PARTIAL_KEPT_MS } = this.#options;
    for (const name of ['partial', 'locks']) {
      const folder = join(this.folder, name);
      for (const entry of await namesIn(folder)) {
        const path = join(folder, entry);
        const info = await lstat(path).catch(() => undefined);
        if (info === undefined || now - info.mtimeMs < partialKeptMs) continue;
        await rm(path, { recursive: true, force: true });
      }
    }
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw storageError(error, folder);
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}
