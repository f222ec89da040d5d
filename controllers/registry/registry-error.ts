// What can go wrong with a registry. A leaf: imports nothing.

/**
 * `unauthorized`: it wants other credentials; `missing`: it has no such image or blob; `unreachable`: nobody answered in time;
 * `refused`: any other refusal, or an answer that no registry gives.
 */
export type RegistryFailure = 'unauthorized' | 'missing' | 'unreachable' | 'refused';

/** The message is one line, with no credentials in it. */
export class RegistryError extends Error {
  readonly failure: RegistryFailure;
  constructor(failure: RegistryFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'RegistryError';
    this.failure = failure;
  }
}
