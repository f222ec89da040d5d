// What storage stands against, as a message with exit code 1: its errors name the place and what to do.
import { CommandError } from '../usage-error.ts';

const EXPLAINED = new Set([
  'BackupExistsError',
  'CompactedError',
  'CorruptDataError',
  'EpochLostError',
  'ForeignDataError',
  'InstanceLockedError',
  'NotEmptyError',
  'PersistenceUrlError',
  'StorageFailedError',
  'StorageFullError',
  'StorageUnreachableError',
  'UnknownInstanceError',
]);

/** The words of an error that a user can act on; undefined for a defect of ours. */
export function storageProblem(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (EXPLAINED.has(error.name) || error instanceof CommandError) {
    // The flag of `windlass up`: commands have the same URLs behind flags of other names.
    return error.name === 'PersistenceUrlError'
      ? error.message.replace('Invalid --persistence ', 'Invalid URL ')
      : error.message;
  }
  return undefined;
}

export async function toldStorage<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const problem = storageProblem(error);
    if (problem === undefined || error instanceof CommandError) throw error;
    throw new CommandError(problem, undefined, { cause: error });
  }
}
