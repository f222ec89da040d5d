// What the operating system's errors mean for a directory that may be on a network file system.
import { StorageFailedError, StorageFullError, StorageUnreachableError } from '../errors.ts';

/** Handles of a file server that was restarted or re-exported; the same path, looked up anew, may work. */
const STALE: ReadonlySet<string> = new Set(['ESTALE', 'EIO', 'ENOLINK', 'EREMOTEIO']);
/** The server or the way to it is away, or somebody has closed the door; it may be open again later. */
const PASSING: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTCONN',
  'EAGAIN',
  'EBUSY',
  'EMFILE',
  'ENFILE',
  'EROFS',
  'EACCES',
  'EPERM',
]);

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? 'unexpected';
}

/** True where looking the path up anew may help. Never after a failed fsync: a second one would succeed without the pages. */
export function isStale(error: unknown): boolean {
  return STALE.has(codeOf(error)) && (error as NodeJS.ErrnoException).syscall !== 'fsync';
}

/** The error of persistence/errors.ts for what a call on the directory threw. */
export function directoryFailure(error: unknown, location: string): Error {
  const code = codeOf(error);
  if (code === 'unexpected' && error instanceof Error) return error;
  const message = `Cannot use ${location}: ${(error as Error).message}`;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new StorageFullError(location, { cause: error });
  if (code === 'EROFS')
    return new StorageUnreachableError(
      `Cannot write to ${location}: its file system is mounted read-only (EROFS); mount it writable again`,
      { cause: error },
    );
  if (PASSING.has(code)) return new StorageUnreachableError(message, { cause: error });
  return new StorageFailedError(message, { cause: error });
}
