// Reads and checks a database piece by piece: first every row of the log, then what `live` says of it.
import type Database from 'better-sqlite3';
import { CorruptDataError } from '../errors.ts';
import type { VerifiedSlice } from '../thread/protocol.ts';
import type { LogDatabase } from './log-database.ts';

const LIVE_ROWS = 2_000;

interface Source {
  readonly database: Database.Database;
  readonly log: LogDatabase;
  readonly path: string;
}

type Position = { readonly after: number } | { readonly kind: string; readonly key: string };

/** @param from the `next` of the slice before @throws CorruptDataError naming the first damage, and SQLite's errors */
export function verifySlice(source: Source, from: string | undefined): VerifiedSlice {
  const position = from === undefined ? { after: -1 } : (JSON.parse(from) as Position);
  return 'after' in position
    ? verifyLog(source, position.after)
    : verifyLive(source, position.kind, position.key);
}

function verifyLog({ database, log, path }: Source, after: number): VerifiedSlice {
  const rows = log.read(after, false);
  const last = rows.at(-1)?.revision;
  const { revision, compacted } = log.cursor();
  if (last === undefined) {
    log.checkPlace();
    if (after > revision) {
      throw damage(path, `it holds revision ${after}, above its own newest ${revision}`);
    }
    return { records: 0, bytes: 0, next: JSON.stringify({ kind: '', key: '' }) };
  }
  // Compaction drops a superseded row only together with passing the change that superseded it.
  const lost = database
    .prepare<[number, number, number], [number, string, string, number]>(
      `SELECT change.revision, change.kind, change.key, change.previous FROM log AS change
       WHERE change.revision > ? AND change.revision > ? AND change.revision <= ? AND change.previous IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM log WHERE revision = change.previous) LIMIT 1`,
    )
    .raw()
    .get(after, compacted, last);
  if (lost !== undefined) {
    const [successor, kind, key, previous] = lost;
    throw damage(path, `revision ${previous} of ${kind} ${key} is missing before ${successor}`);
  }
  const bytes = rows.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0);
  return { records: rows.length, bytes, next: JSON.stringify({ after: last }) };
}

function verifyLive({ database, path }: Source, kind: string, key: string): VerifiedSlice {
  const rows = database
    .prepare<[string, string, number], [string, string, number, string | null, number | null]>(
      `SELECT live.kind, live.key, live.revision, log.kind || char(0) || log.key, log.value IS NULL
       FROM live LEFT JOIN log ON log.revision = live.revision
       WHERE (live.kind, live.key) > (?, ?) ORDER BY live.kind, live.key LIMIT ?`,
    )
    .raw()
    .all(kind, key, LIVE_ROWS);
  for (const [liveKind, liveKey, revision, name, isDeletion] of rows) {
    if (name !== `${liveKind}\0${liveKey}` || isDeletion !== 0) {
      throw damage(path, `revision ${revision} is not what ${liveKind} ${liveKey} points to`);
    }
  }
  const last = rows.length < LIVE_ROWS ? undefined : rows.at(-1);
  return {
    records: 0,
    bytes: 0,
    next: last === undefined ? undefined : JSON.stringify({ kind: last[0], key: last[1] }),
  };
}

function damage(path: string, what: string): CorruptDataError {
  return new CorruptDataError(`Cannot trust ${path}: ${what}; restore it from a backup`);
}
