// Why the control plane did not start: what the surroundings stand against is a message with the next step, the rest a defect of ours.
import { CommandError } from './usage-error.ts';

/** Errors whose messages name the thing and what to do. */
const EXPLAINED = new Set([
  'ListenError',
  'CertificateFileError',
  'TokenFileError',
  'PersistenceUrlError',
  'ForeignDataError',
  'InstanceLockedError',
  'SecretsKeyError',
  'CorruptDataError',
  'StorageFullError',
  'StorageUnreachableError',
  'StorageFailedError',
  'StartRefusedError',
  'EpochLostError',
  'MachineIdError',
]);

/** What a write met lies below what it meant for whoever asked for it. */
const CAUSES = 10;

/** A CommandError for what a user can mend; anything else is given back as it is. */
export function startFailure(error: unknown, dataDir: string): unknown {
  if (!(error instanceof Error)) return error;
  const explained = explainedIn(error);
  if (explained !== undefined)
    return new CommandError(
      explained.message,
      explained.name === 'EpochLostError'
        ? 'Start this one again to have it wait as a standby, or stop that one first.'
        : undefined,
      { cause: error },
    );
  // EACCES, EROFS, ENOSPC, EMFILE …: the operating system says which file.
  if ('code' in error && typeof error.code === 'string' && /^E[A-Z]+$/.test(error.code))
    return new CommandError(
      `the control plane cannot start: ${error.message}`,
      `Mend that, or choose another folder than ${dataDir} with --data-dir.`,
      { cause: error },
    );
  return error;
}

function explainedIn(error: Error): Error | undefined {
  let cause: unknown = error;
  for (let depth = 0; depth < CAUSES && cause instanceof Error; depth += 1) {
    if (EXPLAINED.has(cause.name)) return cause;
    cause = cause.cause;
  }
  return undefined;
}
