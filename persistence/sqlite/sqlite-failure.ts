// SQLite's own errors in the words of persistence.
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
  return failureOf(error, path);
}
