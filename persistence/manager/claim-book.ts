// What a data directory remembers of its claims, beside the machine id: how often it has claimed (written before each claim, so that
// a copy of the directory is found out by the claims that it does not know), the last claim that was acknowledged, and how far each
// instance was. Losing the file is harmless; an old one is what it finds out.
import { open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ForeignDataError } from '../errors.ts';
import { syncDirectory } from '../sync-directory.ts';
import type { Remembered } from './choice.ts';

export interface ClaimNotes extends Remembered {
  /** Of the last claim that was begun. */
  readonly counter: number;
}

export interface ReadNotes {
  /** Absent: nothing was ever noted, or the file is lost. */
  readonly notes?: ClaimNotes;
  readonly isElsewhere: boolean;
}

export interface ClaimBook {
  /** Says where the notes are, for messages. */
  readonly place: string;
  /** `isElsewhere`: the directory is not the one that the notes were written in (moved, restored or copied). */
  read(): Promise<ReadNotes>;
  /** Durable when it resolves. */
  write(notes: ClaimNotes): Promise<void>;
}

const FILE = 'claims.json';

export class FileClaimBook implements ClaimBook {
  readonly place: string;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.place = join(directory, FILE);
  }

  async read(): Promise<ReadNotes> {
    let text: string;
    try {
      text = await readFile(this.place, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return { isElsewhere: false };
    }
    const { directory, ...notes } = parse(text, this.place);
    return { notes, isElsewhere: directory !== (await identityOf(this.#directory)) };
  }

  async write(notes: ClaimNotes): Promise<void> {
    const directory = await identityOf(this.#directory);
    const temporary = `${this.place}.new`;
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ directory, ...notes }, undefined, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.place);
    await syncDirectory(this.#directory);
  }
}

/** Leaves what a later claim from the same directory has noted: who was succeeded, and does not know it, knows less. */
export async function writeUnlessOutdated(book: ClaimBook, notes: ClaimNotes): Promise<void> {
  const { notes: found } = await book.read();
  if (found === undefined || found.counter <= notes.counter) await book.write(notes);
}

/** For a process that has no data directory: remembers nothing beyond its own life. */
export class MemoryClaimBook implements ClaimBook {
  readonly place = 'memory';
  #notes: ClaimNotes | undefined;

  read(): Promise<ReadNotes> {
    const notes = this.#notes;
    return Promise.resolve({ isElsewhere: false, ...(notes === undefined ? {} : { notes }) });
  }

  write(notes: ClaimNotes): Promise<void> {
    this.#notes = notes;
    return Promise.resolve();
  }
}

/** A copy is another inode, born at another time. Not the device: its number may change with each boot. */
async function identityOf(directory: string): Promise<string> {
  const { ino, birthtimeMs } = await stat(directory);
  return `${ino}:${Math.round(birthtimeMs)}`;
}

function parse(text: string, place: string): ClaimNotes & { readonly directory: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (isNotes(value)) return value;
  } catch {
    // Told below.
  }
  throw new ForeignDataError(
    `Cannot use ${place}: it is damaged; remove it if this data directory is the newest there is, then start again`,
  );
}

function isNotes(value: unknown): value is ClaimNotes & { readonly directory: string } {
  if (typeof value !== 'object' || value === null) return false;
  const { directory, counter, claim, reached } = value as Readonly<Record<string, unknown>>;
  if (typeof directory !== 'string' || !Number.isSafeInteger(counter)) return false;
  if (typeof reached !== 'object' || reached === null) return false;
  const positions: unknown[] = Object.values(reached);
  return (
    (claim === undefined || hasNumbers(claim, ['epoch'])) &&
    positions.every((position) => hasNumbers(position, ['epoch', 'revision']))
  );
}

function hasNumbers(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  return names.every((name) => Number.isSafeInteger(fields[name]));
}
