// Whether a write may happen, judged against what is there or on its way.
import { KeyExistsError, RevisionConflictError } from './errors.ts';
import { storageKey } from './keys.ts';
import type { Revision, WriteOptions } from './types.ts';
import type { Write } from './write.ts';

/** Of an object in the whole store. */
export function writeId(resource: string, key: string): string {
  return `${resource}\0${key}`;
}

/** Why a write may not happen to an object at revision `found`; undefined where it may. */
export function refusalOf(
  options: WriteOptions,
  found: Revision | undefined,
  isDeletion: boolean,
): Error | undefined {
  const expected = options.expectedRevision;
  if (found === expected || (found === undefined && expected === 0 && !isDeletion))
    return undefined;
  const key = `${options.resource} ${storageKey(options.namespace, options.name)}`;
  if (expected === 0 && !isDeletion) return new KeyExistsError(key);
  return new RevisionConflictError(key, expected, found);
}

/**
 * A refusal because of a write that is not durable yet: said sooner, it would tell of what nobody may see, and might not come to pass.
 * When that write fails, so does this one: nobody knows any more whether it should have been refused.
 */
export async function refuseAfter(base: Write, refusal: Error): Promise<never> {
  throw (await base.settled) ?? refusal;
}
