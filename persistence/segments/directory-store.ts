// Blobs as files of a directory, which may be on NFS. A name is given by link(2) of a finished, synced file, so that nobody ever
// sees half of one and of two who want it one gets it. See docs/persistence-format.md for what such a server must promise.
import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { makeDirectoryDurably } from '../sync-directory.ts';
import { ForeignDataError, StorageUnreachableError } from '../errors.ts';
import { checkedBlobName } from './blob-name.ts';
import { EPOCHS, FORMAT, HOLDER, LATEST, ORPHANS, SNAPSHOTS, WAL } from './blob-names.ts';
import { NothingWrittenError } from './blob-store.ts';
import type { BlobEntry, BlobStore } from './blob-store.ts';
import { codeOf, directoryFailure, isStale } from './directory-failure.ts';
import {
  entriesOf,
  filesBelow,
  linkExclusively,
  makeFolders,
  readWhole,
  removeFile,
  removeQuietly,
  replaceBy,
  writeTemporary,
} from './directory-files.ts';
import type { Checkpoint } from './directory-files.ts';

/** What a file server says when it has certainly not made a link. */
const REFUSALS: ReadonlySet<string> = new Set(['EROFS', 'EACCES', 'EPERM']);
/** Temporary files this much older than one that was just made are nobody's any more. */
const ABANDONED_MS = 3_600_000;

export interface DirectoryStoreOptions {
  /** Made (0700) when it is missing; relative paths count from the working directory. */
  readonly path: string;
  /** Tells the temporary files of this opening from all others': letters and digits, random. */
  readonly writer: string;
  readonly at?: Checkpoint;
  /** Called before each call that may hang. */
  readonly beat?: () => void;
  /** A folder that holds other files, and nothing of ours, is refused. */
  readonly refusesOthers?: boolean;
}

const PROBE = 'probe';
/** What file servers and file systems put into folders by themselves. */
const THEIRS = /^(?:[.@#]|lost\+found$)/;
const OURS = new Set([FORMAT, LATEST, HOLDER, WAL, EPOCHS, SNAPSHOTS, ORPHANS, PROBE]);
/** Of files being written, as named in #temporary(). */
const TEMPORARY = /^\.[A-Za-z0-9_-]+\.\d+\.tmp$/;

export class DirectoryBlobStore implements BlobStore {
  readonly location: string;
  readonly #writer: string;
  readonly #at: Checkpoint;
  readonly #beat: () => void;
  /** Folders whose names are known to be durable. */
  readonly #durable = new Set<string>();
  readonly #refusesOthers: boolean;
  #count = 0;

  constructor({ path, writer, at, beat, refusesOthers }: DirectoryStoreOptions) {
    this.#refusesOthers = refusesOthers ?? false;
    this.location = resolve(path);
    this.#writer = writer;
    this.#at = at ?? (() => undefined);
    this.#beat = beat ?? (() => undefined);
  }

  probe(machine: string): Promise<void> {
    return this.#run(() => {
      makeDirectoryDurably(this.location, 0o700);
      if (this.#refusesOthers) this.#refuseOthers();
      const name = checkedBlobName(`${PROBE}/${machine}/${this.#writer}`);
      const path = join(this.location, name);
      try {
        const first = this.#create(name, Buffer.from('1'));
        const second = this.#create(name, Buffer.from('2'));
        const found = readWhole(path)?.toString();
        const listed = filesBelow(dirname(path)).includes(this.#writer);
        if (!first || second || found !== '1' || !listed) {
          throw new ForeignDataError(
            `Cannot use ${this.location}: of two files of one name both or none could be made, so two writers could not be kept apart; choose another file system`,
          );
        }
        this.#removeAbandoned(lstatSync(path).mtimeMs);
      } catch (error) {
        if (!['EPERM', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS'].includes(codeOf(error))) throw error;
        if ((error as NodeJS.ErrnoException).syscall !== 'link') throw error;
        throw new ForeignDataError(
          `Cannot use ${this.location}: its file system makes no hard links (${codeOf(error)}), which keep two writers apart; choose another one`,
          { cause: error },
        );
      } finally {
        removeFile(this.location, path);
      }
    });
  }

  putIfAbsent(name: string, body: Uint8Array): Promise<'created' | 'exists'> {
    let isLinking = false;
    return this.#run(() => {
      isLinking = false;
      const path = this.#path(name);
      const temporary = this.#temporary(path, body);
      isLinking = true;
      return linkExclusively(temporary, path, this.#at) ? 'created' : 'exists';
    }).catch((error: unknown) => {
      const isSaid = REFUSALS.has(codeOf((error as Error).cause));
      if (!(error instanceof StorageUnreachableError) || (isLinking && !isSaid)) throw error;
      throw new NothingWrittenError(error.message, { cause: error.cause });
    });
  }

  put(name: string, body: Uint8Array, tag?: string): Promise<'written' | 'mismatch'> {
    return this.#run(() => {
      const path = this.#path(name);
      // Compared and then replaced: between two writers that is a hint, as are the few files written so.
      if (tag !== undefined) {
        const found = readWhole(path);
        if (found === undefined || tagOf(found) !== tag) return 'mismatch';
      }
      replaceBy(this.#temporary(path, body), path);
      return 'written';
    });
  }

  get(name: string): Promise<{ readonly body: Uint8Array; readonly tag: string } | undefined> {
    return this.#run(() => {
      const body = readWhole(this.#path(name));
      // Most bodies are never put back, and hashing them takes longer than reading them.
      return (
        body && {
          body,
          get tag() {
            return tagOf(body);
          },
        }
      );
    });
  }

  async *list(folder: string, after = ''): AsyncIterable<BlobEntry> {
    const path = this.#path(folder);
    const names = await this.#run(() =>
      filesBelow(path)
        .map((name) => `${folder}/${name}`)
        .filter((name) => name > after)
        .toSorted((left, right) => (left < right ? -1 : 1)),
    );
    for (const name of names) {
      const size = await this.#run(
        () => lstatSync(this.#path(name), { throwIfNoEntry: false })?.size,
      );
      if (size !== undefined) yield { name, size };
    }
  }

  delete(name: string): Promise<void> {
    return this.#run(() => {
      const path = this.#path(name);
      this.#at('before-delete');
      removeFile(this.location, path);
      this.#at('after-delete');
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #create(name: string, body: Uint8Array): boolean {
    const path = this.#path(name);
    return linkExclusively(this.#temporary(path, body), path, this.#at);
  }

  /** A durable file beside the path, with this content. */
  #temporary(path: string, body: Uint8Array): string {
    this.#count += 1;
    const folder = dirname(path);
    const temporary = join(folder, `.${this.#writer}.${this.#count}.tmp`);
    makeFolders(this.location, folder, this.#durable);
    try {
      writeTemporary(temporary, body, this.#at);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      // Somebody removed the folder because it was empty.
      this.#durable.clear();
      makeFolders(this.location, folder, this.#durable);
      writeTemporary(temporary, body, this.#at);
    }
    return temporary;
  }

  #refuseOthers(): void {
    const names = entriesOf(this.location).map(({ name }) => name);
    const others = names.filter((name) => !OURS.has(name) && !THEIRS.test(name)).toSorted();
    if (names.includes(FORMAT) || others.length === 0) return;
    const shown = `${others.slice(0, 3).join(', ')}${others.length > 3 ? ' …' : ''}`;
    throw new ForeignDataError(
      `Cannot use ${this.location}: it holds other files (${shown}) and no state of Windlass; choose an empty or a new folder`,
    );
  }

  /** Looks nowhere but in folders of ours: others may lie beside them. */
  #removeAbandoned(nowMs: number): void {
    const top = [WAL, EPOCHS, SNAPSHOTS, PROBE].map((name) => join(this.location, name));
    const below = top.flatMap((folder) => [folder, ...this.#folders(folder)]);
    for (const folder of [this.location, ...below]) {
      for (const { name } of entriesOf(folder)) {
        if (!TEMPORARY.test(name)) continue;
        const path = join(folder, name);
        const made = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? nowMs;
        if (nowMs - made > ABANDONED_MS) removeQuietly(path);
      }
    }
  }

  #folders(folder: string): string[] {
    return entriesOf(folder)
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name))
      .flatMap((path) => [path, ...this.#folders(path)]);
  }

  #path(name: string): string {
    return join(this.location, checkedBlobName(name));
  }

  /** Once more from the path when the server says that it does not know the handle any longer. */
  async #run<T>(work: () => T): Promise<T> {
    this.#beat();
    try {
      return work();
    } catch (error) {
      if (!isStale(error)) throw this.#failure(error);
    }
    try {
      return work();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): Error {
    return directoryFailure(error, this.location);
  }
}

function tagOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
