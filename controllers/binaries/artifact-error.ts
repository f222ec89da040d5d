// What can go wrong with an artifact, by stable words that end up as reasons of conditions. A leaf: imports nothing.

/**
 * `ChecksumMismatch`: other bytes than promised. `NotFound`, `Refused`: the source says no, and will again. `RateLimited`,
 * `Unreachable`: worth another try later. `TooLarge`: more than the limit. `Storage…`: this machine's disk. `Invalid`: what was asked
 * for makes no sense.
 */
export type ArtifactFailure =
  | 'ChecksumMismatch'
  | 'NotFound'
  | 'Refused'
  | 'RateLimited'
  | 'Unreachable'
  | 'TooLarge'
  | 'StorageFull'
  | 'StorageReadOnly'
  | 'StorageFailed'
  | 'Invalid';

export interface ArtifactErrorDetails {
  readonly cause?: unknown;
  /** When the source said to come back. */
  readonly retryAfterMs?: number;
}

/** The message is made for people, and holds no credentials. */
export class ArtifactError extends Error {
  override readonly name = 'ArtifactError';
  readonly failure: ArtifactFailure;
  readonly retryAfterMs: number | undefined;

  constructor(failure: ArtifactFailure, message: string, details: ArtifactErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.failure = failure;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** As an ArtifactError, what the file system of `folder` said. */
export function storageError(error: unknown, folder: string): unknown {
  switch ((error as NodeJS.ErrnoException | undefined)?.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new ArtifactError(
        'StorageFull',
        `the disk of the store ${folder} is full; free some space, for example with windlass artifact prune`,
        { cause: error },
      );
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return new ArtifactError(
        'StorageReadOnly',
        `the store ${folder} cannot be written to (${(error as Error).message}); give its folder write permission`,
        { cause: error },
      );
    case 'EIO':
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EMFILE':
    case 'ENFILE':
      return new ArtifactError(
        'StorageFailed',
        `the store ${folder} does not work: ${(error as Error).message}`,
        { cause: error },
      );
    default:
      return error;
  }
}
