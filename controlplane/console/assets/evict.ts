// Asks the server to take a Pod off its node: budgets are asked, and whoever made it makes another one elsewhere.
import { ApiFailure } from './api-failure.ts';
import type { Api } from './api.ts';
import type { ApiObject } from './api-object.ts';
import { PODS, pathOf } from './kinds.ts';

export interface Answer {
  /** Held: a budget says not now. */
  readonly state: 'Going' | 'Gone' | 'Held' | 'Refused';
  readonly message: string;
}

/** Never throws: what the server says is the answer. @param isDryRun only asks */
export async function evict(api: Api, { metadata }: ApiObject, isDryRun: boolean): Promise<Answer> {
  const { namespace, name, uid } = metadata;
  const path = pathOf(PODS, { namespace, name, subresource: 'eviction' });
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    // Another one of the same name is none that anybody has seen.
    deleteOptions: { preconditions: { uid } },
  };
  try {
    await api.request('POST', isDryRun ? `${path}?dryRun=All` : path, { body });
    return { state: 'Going', message: '' };
  } catch (error) {
    const { message } = error as Error;
    if (!(error instanceof ApiFailure)) return { state: 'Refused', message };
    if (error.code === 404 || error.code === 409) return { state: 'Gone', message: '' };
    return { state: error.code === 429 ? 'Held' : 'Refused', message };
  }
}
