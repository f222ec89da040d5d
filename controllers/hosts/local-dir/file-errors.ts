// Errors of this machine's file system as those of a host.
import { HostCommandError, HostUnreachableError } from '../host-errors.ts';

const ABSENT = new Set(['ENOENT', 'ENOTDIR']);

/** Runs what works on `path`; the host said no where the file system did. */
export async function asHost<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) throw error;
    // Open files or a network file system that is away: another time it may work.
    if (['EMFILE', 'ENFILE', 'ESTALE', 'ETIMEDOUT'].includes(code))
      throw new HostUnreachableError(`${path}: ${message}`, { cause: error });
    throw new HostCommandError(`${path}: ${message}`, { cause: error });
  }
}

/** The same, where nothing there is an answer: undefined. */
export function orAbsent<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
  return asHost(path, async () => {
    try {
      return await work();
    } catch (error) {
      if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw error;
    }
  });
}
