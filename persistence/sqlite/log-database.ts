// The log in SQLite: synchronous, in the worker thread. Every public method is one transaction or one consistent read.
import type Database from 'better-sqlite3';
import type { Batch } from '../encoding.ts';
import { CorruptDataError } from '../errors.ts';
import type { Cursor, LogRecord } from '../provider.ts';
import { WorkerFailure } from '../thread/failures.ts';
import type { Failure } from '../thread/failures.ts';
import { nothing } from './failpoints.ts';
import type { AtFailpoint } from './failpoints.ts';
import { placeSum } from './place-sum.ts';
import { rowSum } from './row-sum.ts';
import { RowWriter } from './row-writer.ts';

const PAGE_ROWS = 2_000;
const PAGE_BYTES = 1 << 20;
const COMPACTION_ROWS = 500;

type Row = [revision: number, kind: string, key: string, value: Buffer | null, crc: number];
const COLUMNS = 'revision, kind, key, value, crc';

/** What `meta` says of where the log stands. */
interface Place extends Cursor {
  readonly machine: string;
  readonly sum: number;
}

export class LogDatabase {
  readonly #database: Database.Database;
  readonly #path: string;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #rows: RowWriter;
  readonly #at: AtFailpoint;
  /** As this object's last append left it; it holds for as long as the checksum in the file is the same. */
  #known: Place | undefined;

  constructor(database: Database.Database, path: string, at = nothing) {
    this.#database = database;
    this.#path = path;
    this.#statements = prepare(database);
    this.#rows = new RowWriter(database);
    this.#at = at;
  }

  cursor(): Cursor {
    const { epoch, revision, compacted } = this.#place();
    return { epoch, revision, compacted };
  }

  /** @throws CorruptDataError when what it says of itself is not what was written */
  checkPlace(): void {
    const place = this.#place();
    if (placeSum(place) === this.#number('sum')) return;
    throw new CorruptDataError(
      `Cannot trust ${this.#path}: its checksum of epoch ${place.epoch}, revision ${place.revision} and compacted ${place.compacted} is wrong; restore it from a backup or a replica`,
    );
  }

  /** Of whoever claimed last; empty before the first claim. */
  machine(): string {
    const machine = this.#statements.getMeta.get('machine');
    return typeof machine === 'string' ? machine : '';
  }

  claim(machine: string, atLeast: number): Cursor {
    this.#transaction(() => {
      this.#statements.setMeta.run(Math.max(this.#number('epoch') + 1, atLeast), 'epoch');
      this.#statements.setMeta.run(machine, 'machine');
      this.#seal();
    });
    return this.cursor();
  }

  /**
   * Commits all batches in one transaction: one fsync for all who waited.
   *
   * @returns per batch what kept it out, or undefined; the others are durable
   * @throws SQLite's error when the transaction failed; then none is
   */
  append(batches: readonly Batch[]): (Failure | undefined)[] {
    let reached: Place | undefined;
    const outcomes = this.#transaction(() => {
      const place = this.#placeNow();
      const { epoch } = place;
      let newest = place.revision;
      const refusals = batches.map((batch): Failure | undefined => {
        if (batch.epoch !== epoch) return { type: 'epoch-lost', held: batch.epoch, found: epoch };
        const first = batch.records[0]?.revision ?? 0;
        if (first <= newest) {
          const message = `Cannot append revision ${first} to ${this.#path}: it already holds revision ${newest}`;
          return { type: 'corrupt', message };
        }
        this.#rows.write(batch.records);
        newest = batch.records.at(-1)?.revision ?? newest;
        return undefined;
      });
      const next = { ...place, revision: newest };
      const sum = placeSum(next);
      this.#statements.setRevision.run(newest, sum);
      reached = { ...next, sum };
      return refusals;
    });
    this.#known = reached;
    return outcomes;
  }

  /** Writes one change at the next revision, whoever holds the epoch. */
  write(change: LogRecord): void {
    this.#transaction(() => {
      const revision = this.#number('revision') + 1;
      this.#rows.write([{ ...change, revision }]);
      this.#statements.setMeta.run(revision, 'revision');
      this.#seal();
    });
  }

  /** Rows after a revision, up to a page; the compaction check and the read see the same state. */
  read(after: number, history: boolean): LogRecord[] {
    const compacted = this.#number('compacted');
    if (history && after < compacted) {
      throw new WorkerFailure({ type: 'compacted', revision: after, compacted });
    }
    const records: LogRecord[] = [];
    let bytes = 0;
    for (const row of this.#statements.page.iterate(after, PAGE_ROWS)) {
      const record = this.#check(row);
      records.push(record);
      bytes += record.value?.byteLength ?? 0;
      if (bytes >= PAGE_BYTES) break;
    }
    return records;
  }

  get(kind: string, key: string): LogRecord | undefined {
    const row = this.#statements.one.get(kind, key);
    return row === undefined ? undefined : this.#checkNamed(row);
  }

  getAll(kind: string): LogRecord[] {
    return this.#statements.all.all(kind).map((row) => this.#checkNamed(row));
  }

  /**
   * Forgets one slice of what changes up to `through` have superseded, oldest first.
   *
   * @returns true when nothing is left to do
   */
  compact(through: number): boolean {
    const { slice, drop, setMeta } = this.#statements;
    return this.#transaction(() => {
      const from = this.#number('compacted');
      const target = Math.min(through, this.#number('revision'));
      if (from >= target) return true;
      const changes = slice.all(from, target, COMPACTION_ROWS);
      for (const [revision, kind, key, previous, isDeletion] of changes) {
        if (previous !== null) drop.run(previous, kind, key);
        if (isDeletion === 1) drop.run(revision, kind, key);
      }
      const isLast = changes.length < COMPACTION_ROWS;
      setMeta.run(isLast ? target : (changes.at(-1)?.[0] ?? target), 'compacted');
      this.#seal();
      return isLast;
    });
  }

  /** Adds records at their own revisions: for a database that is being built. */
  load(records: readonly LogRecord[]): void {
    this.#transaction(() => this.#rows.write(records));
  }

  /** Says where a database that was built stands. */
  place({ epoch, revision, compacted, machine }: Cursor & { readonly machine: string }): void {
    const { setMeta } = this.#statements;
    this.#transaction(() => {
      setMeta.run(epoch, 'epoch');
      setMeta.run(revision, 'revision');
      setMeta.run(compacted, 'compacted');
      setMeta.run(machine, 'machine');
      this.#seal();
    });
  }

  /** Says that no check is needed at the next start. */
  markClean(): void {
    this.#statements.setMeta.run(1, 'clean');
  }

  #check([revision, kind, key, value, crc]: Row): LogRecord {
    const named = { revision, kind, key };
    const record: LogRecord = value === null ? named : { ...named, value };
    if (rowSum(record) !== crc) {
      throw new CorruptDataError(
        `Cannot read ${kind} ${key} at revision ${revision} from ${this.#path}: its checksum is wrong; restore it from a backup`,
      );
    }
    return record;
  }

  /** Of a row that `live` pointed to under this name. */
  #checkNamed([liveKind, liveKey, ...row]: [string, string, ...Row]): LogRecord {
    const record = this.#check(row);
    if (record.kind === liveKind && record.key === liveKey) return record;
    throw new CorruptDataError(
      `Cannot read ${liveKind} ${liveKey} from ${this.#path}: it points to ${record.kind} ${record.key}; restore it from a backup`,
    );
  }

  /**
   * In a transaction that appends. What this object left there is still there when its checksum is: one row to read instead of four,
   * and an epoch that somebody else has taken is noticed as before.
   */
  #placeNow(): Place {
    const sum = this.#number('sum');
    return this.#known?.sum === sum ? this.#known : { ...this.#place(), sum };
  }

  #place(): Omit<Place, 'sum'> {
    return {
      epoch: this.#number('epoch'),
      revision: this.#number('revision'),
      compacted: this.#number('compacted'),
      machine: this.machine(),
    };
  }

  /** At the end of each transaction that changes where the log stands. */
  #seal(): void {
    this.#statements.setMeta.run(placeSum(this.#place()), 'sum');
  }

  #number(name: string): number {
    const value = this.#statements.getMeta.get(name);
    if (typeof value === 'number') return value;
    throw new CorruptDataError(`Cannot use ${this.#path}: ${name} is missing from its meta table`);
  }

  #transaction<T>(work: () => T): T {
    this.#statements.begin.run();
    try {
      const result = work();
      this.#at('before-commit');
      this.#statements.commit.run();
      this.#at('after-commit');
      return result;
    } catch (error) {
      // SQLite has often rolled back by itself (disk full, I/O error).
      if (this.#database.inTransaction) this.#rollback(error);
      throw error;
    }
  }

  #rollback(error: unknown): void {
    try {
      this.#statements.rollback.run();
    } catch {
      // What led here is what the caller must hear of.
      throw error;
    }
  }
}

/** All the SQL there is beside the tables themselves. */
function prepare(database: Database.Database) {
  const one = `SELECT live.kind, live.key, ${COLUMNS.replace(/\w+/g, 'log.$&')} FROM live JOIN log ON log.revision = live.revision`;
  return {
    begin: database.prepare('BEGIN IMMEDIATE'),
    commit: database.prepare('COMMIT'),
    rollback: database.prepare('ROLLBACK'),
    getMeta: database.prepare<[string]>('SELECT value FROM meta WHERE name = ?').pluck(),
    setMeta: database.prepare<[number | string, string]>(
      'UPDATE meta SET value = ? WHERE name = ?',
    ),
    setRevision: database.prepare<[number, number]>(
      // Half the time of an UPDATE of both rows.
      `INSERT INTO meta VALUES ('revision', ?), ('sum', ?) ON CONFLICT DO UPDATE SET value = excluded.value`,
    ),
    page: database
      .prepare<[number, number], Row>(
        `SELECT ${COLUMNS} FROM log WHERE revision > ? ORDER BY revision LIMIT ?`,
      )
      .raw(),
    one: database
      .prepare<[string, string], [string, string, ...Row]>(
        `${one} WHERE live.kind = ? AND live.key = ?`,
      )
      .raw(),
    all: database
      .prepare<[string], [string, string, ...Row]>(
        `${one} WHERE live.kind = ? ORDER BY log.revision`,
      )
      .raw(),
    slice: database
      .prepare<[number, number, number], [number, string, string, number | null, number]>(
        'SELECT revision, kind, key, previous, value IS NULL FROM log WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT ?',
      )
      .raw(),
    // `previous` has no checksum: a wrong one must not take another object with it.
    drop: database.prepare<[number, string, string]>(
      'DELETE FROM log WHERE revision = ? AND kind = ? AND key = ?',
    ),
  };
}
