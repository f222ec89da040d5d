// One database file: open, damaged or closed, and what may be asked of it then.
import type Database from 'better-sqlite3';
import type { Clock } from '#platform/clock.ts';
import type { Batch } from '../encoding.ts';
import { StorageFailedError } from '../errors.ts';
import type { Cursor, LogRecord } from '../provider.ts';
import { WorkerFailure } from '../thread/failures.ts';
import type { Failure } from '../thread/failures.ts';
import type { LogEngine } from '../thread/log-engine.ts';
import type { VerifiedSlice } from '../thread/protocol.ts';
import { Checkpoints } from './checkpoints.ts';
import { nothing } from './failpoints.ts';
import type { AtFailpoint } from './failpoints.ts';
import { lockFile } from './file-lock.ts';
import { LogDatabase } from './log-database.ts';
import { MIGRATIONS } from './migrations.ts';
import { openDatabase } from './schema.ts';
import { finishMoveAside, moveAside, removeLeftovers, replaceDatabase } from './replacement.ts';
import type { Place } from './replacement.ts';
import { SideFile } from './side-file.ts';
import { sqliteFailureOf } from './sqlite-failure.ts';
import { verifySlice } from './verify-slice.ts';

interface Opened {
  readonly database: Database.Database;
  readonly log: LogDatabase;
  readonly checkpoints: Checkpoints;
}

export class SqliteEngine implements LogEngine {
  failure: Failure | undefined;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #at: AtFailpoint;
  /** Held from open() to close(), also over a damaged file. */
  #lock: Disposable | undefined;
  #opened: Opened | undefined;
  #isDamaged = false;
  #restored: { readonly file: SideFile; readonly cursor: Cursor } | undefined;

  /** @param at called at the named points of what is done to the file */
  constructor(path: string, clock: Clock, at = nothing) {
    this.#path = path;
    this.#clock = clock;
    this.#at = at;
  }

  failureOf(error: unknown): Failure {
    return sqliteFailureOf(error, this.#path);
  }

  open(): Cursor {
    this.#lock = lockFile(this.#path);
    try {
      finishMoveAside(this.#path);
      removeLeftovers(this.#path);
      return this.#open().log.cursor();
    } catch (error) {
      this.#isDamaged = this.failureOf(error).type === 'corrupt';
      this.#opened?.database.close();
      this.#opened = undefined;
      if (!this.#isDamaged) this.#unlock();
      throw error;
    }
  }

  claim(machine: string, atLeast: number): Cursor {
    return this.#use().log.claim(machine, atLeast);
  }

  cursor(): Cursor {
    return this.#use().log.cursor();
  }

  append(batches: readonly Batch[]): readonly (Failure | undefined)[] {
    return this.#use().log.append(batches);
  }

  committed(): void {
    this.#opened?.checkpoints.committed();
  }

  makeRoom(): void {
    this.#opened?.checkpoints.makeRoom();
  }

  write(change: LogRecord): void {
    this.#use().log.write(change);
  }

  read(after: number, history: boolean): readonly LogRecord[] {
    return this.#use().log.read(after, history);
  }

  get(kind: string, key: string): LogRecord | undefined {
    return this.#use().log.get(kind, key);
  }

  getAll(kind: string): readonly LogRecord[] {
    return this.#use().log.getAll(kind);
  }

  compact(through: number): boolean {
    const { log, checkpoints } = this.#use();
    const isDone = log.compact(through);
    checkpoints.committed();
    return isDone;
  }

  verify(from: string | undefined): VerifiedSlice {
    const { database, log } = this.#use();
    return verifySlice({ database, log, path: this.#path }, from);
  }

  beginRestore(cursor: Cursor): void {
    this.abortRestore();
    this.#mustHold(cursor.epoch);
    this.#restored = { file: SideFile.create(`${this.#path}.restoring`), cursor };
  }

  addRestored(records: readonly LogRecord[]): void {
    this.#restored?.file.add(records);
  }

  endRestore(): void {
    const restored = this.#restored;
    if (restored === undefined) throw new TypeError('Nothing is being restored');
    this.#restored = undefined;
    try {
      this.#mustHold(restored.cursor.epoch);
      const machine = this.#use().log.machine();
      restored.file.finish({ ...restored.cursor, machine }, this.#at);
      const next = restored.file.path;
      this.#swap((database) => replaceDatabase(database, this.#path, next, this.#at));
    } finally {
      restored.file.discard();
    }
  }

  abortRestore(): void {
    this.#restored?.file.discard();
    this.#restored = undefined;
  }

  setAside(epoch: number | undefined): string {
    if (this.#opened === undefined && !this.#isDamaged) this.#use();
    // Of a file that cannot be opened nobody else can have taken the epoch: we hold its lock.
    if (epoch !== undefined && this.#opened !== undefined) this.#mustHold(epoch);
    const known = this.#place();
    let aside = '';
    this.#swap((database) => {
      aside = moveAside(database, this.#path, known, this.#at);
    });
    this.#isDamaged = false;
    this.failure = undefined;
    return aside;
  }

  close(isSound: boolean): void {
    this.abortRestore();
    const opened = this.#opened;
    this.#opened = undefined;
    try {
      if (opened !== undefined) this.#closeOpened(opened, isSound);
    } finally {
      this.#unlock();
    }
  }

  #closeOpened(opened: Opened, isSound: boolean): void {
    opened.checkpoints.stop();
    try {
      // After a failure the next start shall look closely.
      if (isSound) {
        this.#at('before-clean');
        opened.log.markClean();
        this.#at('after-clean');
        opened.database.pragma('wal_checkpoint(TRUNCATE)');
      }
    } catch (error) {
      // Without room for the mark the next start looks closely, and finds everything in the write-ahead log.
      if (this.failureOf(error).type !== 'full') throw error;
    } finally {
      opened.database.close();
    }
  }

  #open(): Opened {
    const database = openDatabase(this.#path, MIGRATIONS, this.#at);
    this.#opened = {
      database,
      log: new LogDatabase(database, this.#path, this.#at),
      checkpoints: new Checkpoints({
        database,
        path: this.#path,
        clock: this.#clock,
        at: this.#at,
        onFailure: (failure) => {
          this.failure = failure;
        },
      }),
    };
    return this.#opened;
  }

  /** Lets `swap` put another file where ours is and close the one that it is given, then opens what is there. */
  #swap(swap: (database: Database.Database | undefined) => void): void {
    const opened = this.#opened;
    this.#opened = undefined;
    opened?.checkpoints.stop();
    try {
      swap(opened?.database);
    } finally {
      // Closing twice does nothing. Whatever happened: what lies there now, old or new, is whole.
      opened?.database.close();
      this.#open();
    }
  }

  #unlock(): void {
    this.#lock?.[Symbol.dispose]();
    this.#lock = undefined;
  }

  #use(): Opened {
    if (this.#opened !== undefined) return this.#opened;
    throw new StorageFailedError(`Cannot use ${this.#path}: it is not open`);
  }

  /** Undefined where the file does not even say that. */
  #place(): Place | undefined {
    const log = this.#opened?.log;
    if (log === undefined) return undefined;
    try {
      return { ...log.cursor(), machine: log.machine() };
    } catch {
      return undefined;
    }
  }

  #mustHold(epoch: number): void {
    const found = this.cursor().epoch;
    if (found !== epoch) throw new WorkerFailure({ type: 'epoch-lost', held: epoch, found });
  }
}
