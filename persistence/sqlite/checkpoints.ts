// When the write-ahead log flows back into the database file: between batches, so that no commit waits for it, and when
// nobody writes. Never inside a commit, as SQLite's own automatic checkpoint would.
import type Database from 'better-sqlite3';
import type { Clock } from '#platform/clock.ts';
import type { Failure } from '../thread/failures.ts';
import type { AtFailpoint } from './failpoints.ts';
import { sqliteFailureOf } from './sqlite-failure.ts';

/** Of 8 KiB each: the log that gathers while there is work. */
const BUSY_PAGES = 1_024;
/** One large transaction can make the file of the log larger; from here on it is cut. */
const LARGE_PAGES = 8 * BUSY_PAGES;
const IDLE_MS = 5_000;
/** Pages given back to the file system per round. */
const VACUUM_PAGES = 256;

export class Checkpoints {
  readonly #database: Database.Database;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #onFailure: (failure: Failure) => void;
  readonly #at: AtFailpoint;
  readonly #look: Database.Statement<[], [busy: number, pages: number, done: number]>;
  /** On the clock's monotonic scale. */
  #lastCommit = 0;
  #cancelIdle: (() => void) | undefined;

  constructor(options: {
    readonly database: Database.Database;
    readonly path: string;
    readonly clock: Clock;
    readonly onFailure: (failure: Failure) => void;
    readonly at: AtFailpoint;
  }) {
    this.#database = options.database;
    this.#path = options.path;
    this.#clock = options.clock;
    this.#onFailure = options.onFailure;
    this.#at = options.at;
    this.#look = this.#database
      .prepare<[], [number, number, number]>('PRAGMA wal_checkpoint(NOOP)')
      .raw();
  }

  /** After each transaction, when its writers have their answer. */
  committed(): void {
    const { pages, done } = this.#log();
    if (pages - done > BUSY_PAGES) this.#run(pages > LARGE_PAGES ? 'TRUNCATE' : 'PASSIVE');
    this.#lastCommit = this.#clock.monotonic();
    this.#cancelIdle ??= this.#clock.schedule(IDLE_MS, () => this.#whenIdle());
  }

  /** After a write that found the disk full: what the log holds may fit into the file's free pages. */
  makeRoom(): void {
    this.#run('TRUNCATE');
  }

  stop(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
  }

  /** One timer for many commits: each of them would otherwise make one and cancel it. */
  #whenIdle(): void {
    this.#cancelIdle = undefined;
    const left = this.#lastCommit + IDLE_MS - this.#clock.monotonic();
    if (left <= 0) this.#idle();
    else this.#cancelIdle = this.#clock.schedule(left, () => this.#whenIdle());
  }

  #idle(): void {
    if (this.#log().pages > 0) this.#run('TRUNCATE');
    const free = Number(this.#database.pragma('freelist_count', { simple: true }));
    const pages = Number(this.#database.pragma('page_count', { simple: true }));
    // Below that the free pages are about to be written again.
    if (free < VACUUM_PAGES * 4 || free < pages / 4) return;
    this.#attempt(() => this.#database.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`));
    this.#cancelIdle = this.#clock.schedule(IDLE_MS / 10, () => this.#whenIdle());
  }

  /** Pages in the log, and how many of them are in the file too. */
  #log(): { readonly pages: number; readonly done: number } {
    const [, pages, done] = this.#look.get() ?? [0, 0, 0];
    return { pages, done };
  }

  #run(mode: 'PASSIVE' | 'TRUNCATE'): void {
    this.#at('before-checkpoint');
    this.#attempt(() => this.#database.pragma(`wal_checkpoint(${mode})`));
    this.#at('after-checkpoint');
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      const failure = sqliteFailureOf(error, this.#path);
      // A full disk leaves everything in the log, where it is safe; the next round tries again.
      if (failure.type !== 'full') this.#onFailure(failure);
    }
  }
}
