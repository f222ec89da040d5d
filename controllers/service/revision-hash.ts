// The identity of a revision: a hash of what it means, however it is written. Pure.
import { normalizeRevision } from './revision-data.ts';
import { safeHash } from '../machinery/safe-hash.ts';
import type { RevisionData } from './types.ts';

/** The same for revisions that mean the same. */
export function revisionHash(data: RevisionData): string {
  return safeHash(JSON.stringify(normalizeRevision(data)), 10);
}
