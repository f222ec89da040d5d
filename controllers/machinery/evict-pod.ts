// Asks for one Pod to go: through the eviction API, which asks budgets, or past them.
import type { ApiObject, Client } from './client-types.ts';
import { isConflict, isNamespaceTerminating, isNotFound, RequestError } from './request-error.ts';
import { PODS } from './resources.ts';

export interface EvictOptions {
  readonly client: Client;
  /** `deletion` asks no budget. */
  readonly by: 'eviction' | 'deletion';
  /** Undefined: what the Pod asks for. */
  readonly gracePeriodSeconds: number | undefined;
}

/** `held`: not now, and why; at the earliest again after so long. */
export type EvictAnswer =
  | { readonly outcome: 'stopping' | 'gone' }
  | { readonly outcome: 'held'; readonly why: string; readonly retryAfterMs: number };

/**
 * Asks for this very Pod: another one of its name is none of it.
 *
 * @throws RequestError for what asking again will not change
 */
export async function evictPod(
  pod: ApiObject,
  { client, by, gracePeriodSeconds }: EvictOptions,
  signal: AbortSignal,
): Promise<EvictAnswer> {
  const { namespace = 'default', name, uid } = pod.metadata;
  const grace = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
  try {
    if (by === 'deletion') await client.delete(PODS, namespace, name, { uid, ...grace }, signal);
    else {
      const body = {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace },
        deleteOptions: { preconditions: { uid }, ...grace },
      };
      await client.connect(PODS, namespace, name, 'eviction', body, signal);
    }
    return { outcome: 'stopping' };
  } catch (error) {
    // Gone, or another one has its name by now.
    if (isNotFound(error) || isConflict(error)) return { outcome: 'gone' };
    if (isNamespaceTerminating(error))
      return { outcome: 'held', why: 'waits: its namespace is being deleted', retryAfterMs: 0 };
    if (!(error instanceof RequestError) || error.code !== 429) throw error;
    const cause = error.details?.causes?.find(({ reason }) => reason === 'DisruptionBudget');
    const seconds = error.retryAfterSeconds ?? error.details?.retryAfterSeconds ?? 0;
    const why = `waits: ${cause?.message ?? error.message}`;
    return { outcome: 'held', why, retryAfterMs: seconds * 1000 };
  }
}
