// Writes changes into `log` and `live`, many with one statement: what a statement costs beside SQLite's own work, for its parameters and
// its result, is as much as that work.
import type Database from 'better-sqlite3';
import type { LogRecord } from '../provider.ts';
import { rowSum } from './row-sum.ts';

/** Rows of one statement, the most first. */
const SIZES = [16, 4, 1] as const;

type Parameter = number | string | Uint8Array | null;

export class RowWriter {
  readonly #inserts: readonly {
    readonly size: number;
    readonly statement: Database.Statement<[readonly Parameter[]]>;
  }[];
  readonly #setLive: Database.Statement<[number, number]>;
  readonly #setOneLive: Database.Statement<[string, string, number]>;
  readonly #dropLive: Database.Statement<[string, string]>;

  constructor(database: Database.Database) {
    this.#inserts = SIZES.map((size) => ({ size, statement: database.prepare(insertOf(size)) }));
    this.#setLive = database.prepare(
      `INSERT INTO live SELECT kind, key, revision FROM log WHERE revision BETWEEN ? AND ? AND value IS NOT NULL
       ON CONFLICT DO UPDATE SET revision = excluded.revision`,
    );
    this.#setOneLive = database.prepare(
      'INSERT INTO live VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET revision = excluded.revision',
    );
    this.#dropLive = database.prepare('DELETE FROM live WHERE kind = ? AND key = ?');
  }

  /** In a transaction. Revisions grow, and none that lies between them is in the log. */
  write(records: readonly LogRecord[]): void {
    for (let start = 0; start < records.length;) {
      const different = countDifferent(records, start);
      const insert = this.#inserts.find(({ size }) => size <= different);
      if (insert === undefined) throw new RangeError('There is a statement for one row');
      const rows = records.slice(start, start + insert.size);
      insert.statement.run(rows.flatMap(parametersOf));
      this.#point(rows);
      for (const { kind, key, value } of rows)
        if (value === undefined) this.#dropLive.run(kind, key);
      start += insert.size;
    }
  }

  /** Says which row is an object's present state, of rows that are in the log now. */
  #point(rows: readonly LogRecord[]): void {
    const [first] = rows;
    if (first === undefined) return;
    if (rows.length > 1) this.#setLive.run(first.revision, rows.at(-1)?.revision ?? 0);
    else if (first.value !== undefined) this.#setOneLive.run(first.kind, first.key, first.revision);
  }
}

/** What a row supersedes is looked up on the way: a statement of its own costs more than the search. */
function insertOf(rows: number): string {
  const values = Array.from({ length: rows }, () => '(?, ?, ?, ?, ?)').join(', ');
  return `WITH new (revision, kind, key, value, crc) AS (VALUES ${values})
    INSERT INTO log (revision, kind, key, previous, value, crc)
    SELECT revision, kind, key,
      (SELECT live.revision FROM live WHERE live.kind = new.kind AND live.key = new.key), value, crc FROM new`;
}

function parametersOf(record: LogRecord): Parameter[] {
  return [record.revision, record.kind, record.key, record.value ?? null, rowSum(record)];
}

/** How many from `start` on, up to the most of a statement, certainly mean different objects: a row sees nothing of its own statement. */
function countDifferent(records: readonly LogRecord[], start: number): number {
  const end = Math.min(records.length, start + SIZES[0]);
  if (end - start === 1) return 1;
  const keys = new Set<string>();
  for (let at = start; at < end; at += 1) {
    const key = records[at]?.key ?? '';
    if (keys.has(key)) return at - start;
    keys.add(key);
  }
  return end - start;
}
