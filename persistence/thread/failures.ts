// Errors on their way from the worker thread: a structured clone keeps neither class nor fields, so they travel as data.
import {
  CompactedError,
  CorruptDataError,
  EpochLostError,
  ForeignDataError,
  InstanceLockedError,
  StorageFailedError,
  StorageFullError,
  StorageUnreachableError,
} from '../errors.ts';

export type Failure =
  | { readonly type: 'locked' }
  | { readonly type: 'full'; readonly cause: string }
  | { readonly type: 'epoch-lost'; readonly held: number; readonly found: number }
  | { readonly type: 'compacted'; readonly revision: number; readonly compacted: number }
  | { readonly type: 'corrupt' | 'foreign' | 'failed' | 'unreachable'; readonly message: string };

/** Carries a failure up to where requests are answered. Never leaves the worker. */
export class WorkerFailure extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.type);
    this.name = 'WorkerFailure';
    this.failure = failure;
  }
}

/** Whatever was thrown in the worker, as data; `location` is named in the message. */
export function failureOf(error: unknown, location: string): Failure {
  if (error instanceof WorkerFailure) return error.failure;
  if (error instanceof CorruptDataError) return { type: 'corrupt', message: error.message };
  if (error instanceof ForeignDataError) return { type: 'foreign', message: error.message };
  if (error instanceof StorageFailedError) return { type: 'failed', message: error.message };
  if (error instanceof StorageUnreachableError) {
    return { type: 'unreachable', message: error.message };
  }
  if (error instanceof StorageFullError) return { type: 'full', cause: error.message };
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return { type: 'full', cause: message };
  return { type: 'failed', message: `Cannot use ${location}: ${message} (${code})` };
}

/** An error's code, `unexpected` for what has none. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return 'unexpected';
  return String(error.code);
}

/** The error that callers of the provider get. */
export function errorOf(failure: Failure, instance: string, location: string): Error {
  switch (failure.type) {
    case 'locked':
      return new InstanceLockedError(location);
    case 'full':
      return new StorageFullError(location, { cause: new Error(failure.cause) });
    case 'epoch-lost':
      return new EpochLostError(instance, failure.held, failure.found);
    case 'compacted':
      return new CompactedError(failure.revision, failure.compacted);
    case 'corrupt':
      return new CorruptDataError(failure.message);
    case 'foreign':
      return new ForeignDataError(failure.message);
    case 'failed':
      return new StorageFailedError(failure.message);
    case 'unreachable':
      return new StorageUnreachableError(failure.message);
  }
}

/** Failures that leave the instance as usable as before. After all others it must be opened anew. */
export function isPassing({ type }: Failure): boolean {
  return type === 'full' || type === 'compacted' || type === 'unreachable' || type === 'epoch-lost';
}
