// When the write-ahead log flows back into the database file: between batches, so that no commit waits for it, and when
// nobody writes. Never inside a commit, as SQLite's own automatic checkpoint would.
import type Database from 'better-sqlite3';
import type { Clock } from '#platform/clock.ts';
import type { Failure } from '../thread/failures.ts';
import { sqliteFailureOf } from './sqlite-failure.ts';

const BUSY_BYTES = 8 << 20;
const TRUNCATE_BYTES = 256 << 20;
const IDLE_MS = 5_000;
/** Pages given back to the file system per round. */
const VACUUM_PAGES = 256;

export class Checkpoints {
  readonly #database: Database.Database;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #onFailure: (failure: Failure) => void;
  #pendingBytes = 0;
  #sinceTruncateBytes = 0;
  #cancelIdle: () => void = () => undefined;

  constructor(options: {
    readonly database: Database.Database;
    readonly path: string;
    readonly clock: Clock;
    readonly onFailure: (failure: Failure) => void;
  }) {
    this.#database = options.database;
    this.#path = options.path;
    this.#clock = options.clock;
    this.#onFailure = options.onFailure;
  }

  /** After a commit of so many bytes, when its writers have their answer. */
  committed(bytes: number): void {
    this.#pendingBytes += bytes;
    this.#sinceTruncateBytes += bytes;
    if (this.#sinceTruncateBytes > TRUNCATE_BYTES) this.#run('TRUNCATE');
    else if (this.#pendingBytes > BUSY_BYTES) this.#run('PASSIVE');
    this.#cancelIdle();
    this.#cancelIdle = this.#clock.schedule(IDLE_MS, () => this.#idle());
  }

  /** After a write that found the disk full: what the log holds may fit into the file's free pages. */
  makeRoom(): void {
    this.#run('TRUNCATE');
  }

  stop(): void {
    this.#cancelIdle();
  }

  #idle(): void {
    if (this.#pendingBytes > 0) this.#run('TRUNCATE');
    const free = Number(this.#database.pragma('freelist_count', { simple: true }));
    const pages = Number(this.#database.pragma('page_count', { simple: true }));
    // Below that the free pages are about to be written again.
    if (free < VACUUM_PAGES * 4 || free < pages / 4) return;
    this.#attempt(() => this.#database.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`));
    this.#cancelIdle = this.#clock.schedule(IDLE_MS / 10, () => this.#idle());
  }

  #run(mode: 'PASSIVE' | 'TRUNCATE'): void {
    this.#pendingBytes = 0;
    if (mode === 'TRUNCATE') this.#sinceTruncateBytes = 0;
    this.#attempt(() => this.#database.pragma(`wal_checkpoint(${mode})`));
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
