// SQLite's own errors in the words of persistence.
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf, failureOf } from '../thread/failures.ts';
import type { Failure } from '../thread/failures.ts';

/** Whatever was thrown while the file at `path` was used, as data. */
export function sqliteFailureOf(error: unknown, path: string): Failure {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code.startsWith('SQLITE_BUSY') || code === 'SQLITE_PROTOCOL') return { type: 'locked' };
  if (code === 'SQLITE_FULL') return { type: 'full', cause: message };
  if (code === 'SQLITE_NOTADB') {
    return {
      type: 'foreign',
      message: `Cannot open ${path}: it is not a SQLite database; choose another path`,
    };
  }
  if (code.startsWith('SQLITE_CORRUPT')) {
    return {
      type: 'corrupt',
      message: `Cannot use ${path}: it is damaged (${message}); restore it from a backup`,
    };
  }
  if (/^SQLITE_(?:IOERR|READONLY|CANTOPEN|PERM)/.test(code)) {
    const why = whyUnwritable(path);
    if (why !== undefined)
      return { type: 'failed', message: `Cannot write to ${path}: ${why} (${code})` };
  }
  return failureOf(error, path);
}

/** What lies behind an error of which SQLite knows only that some call failed. */
function whyUnwritable(path: string): string | undefined {
  for (const place of [path, dirname(path)]) {
    try {
      accessSync(place, constants.W_OK);
    } catch (error) {
      const reason = REASONS.get(codeOf(error));
      if (reason !== undefined) return reason;
    }
  }
  return undefined;
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['EROFS', 'its file system is mounted read-only; mount it writable again'],
  ['EACCES', 'this user may not; give it to the user that windlass runs as'],
]);
