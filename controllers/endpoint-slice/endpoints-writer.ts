// The Endpoints object of a Service that selects Pods: what older clients read instead of slices.
import { isDeepStrictEqual } from 'node:util';
import type { CacheView } from '../machinery/cache.ts';
import type { Client } from '../machinery/client-types.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { ENDPOINTS } from '../machinery/resources.ts';
import { planSubsets } from './plan-subsets.ts';
import type { SubsetRow } from './plan-subsets.ts';
import { ENDPOINTS_MANAGED_BY_LABEL } from './types.ts';
import type { CoreService, Endpoints } from './types.ts';

const MANAGER = 'endpoint-controller';
const OVER_CAPACITY_ANNOTATION = 'endpoints.kubernetes.io/over-capacity';

export class EndpointsWriter {
  readonly #client: Client;
  readonly #endpoints: CacheView<Endpoints>;

  constructor(client: Client, endpoints: CacheView<Endpoints>) {
    this.#client = client;
    this.#endpoints = endpoints;
  }

  /** @throws RequestError Conflict or AlreadyExists when the cache was behind: look again */
  async write(
    { metadata: { namespace = '', name } }: CoreService,
    labels: Readonly<Record<string, string>>,
    rows: readonly SubsetRow[],
    signal: AbortSignal,
  ): Promise<void> {
    const before = this.#endpoints.get(namespace, name);
    const { subsets, truncated } = planSubsets(rows);
    const { [OVER_CAPACITY_ANNOTATION]: _, ...others } = before?.metadata.annotations ?? {};
    const metadata = {
      labels: { ...labels, [ENDPOINTS_MANAGED_BY_LABEL]: MANAGER },
      annotations: truncated ? { ...others, [OVER_CAPACITY_ANNOTATION]: 'truncated' } : others,
    };
    if (before === undefined) {
      const body = { metadata: { ...metadata, name }, subsets };
      await this.#client.create(ENDPOINTS, namespace, body, signal);
      return;
    }
    const isCurrent =
      isDeepStrictEqual(before.metadata.labels, metadata.labels) &&
      isDeepStrictEqual(before.metadata.annotations ?? {}, metadata.annotations) &&
      isDeepStrictEqual(before.subsets ?? [], subsets);
    if (isCurrent) return;
    const next = { ...before, metadata: { ...before.metadata, ...metadata }, subsets };
    await this.#client.update(ENDPOINTS, next, '', signal);
  }

  /** The Service is gone. */
  async delete(namespace: string, name: string, signal: AbortSignal): Promise<void> {
    const before = this.#endpoints.get(namespace, name);
    if (before === undefined || before.metadata.deletionTimestamp !== undefined) return;
    try {
      await this.#client.delete(ENDPOINTS, namespace, name, { uid: before.metadata.uid }, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** True for what this writes, or has written in an earlier life. */
export function isManaged({ metadata: { labels = {} } }: Endpoints): boolean {
  return labels[ENDPOINTS_MANAGED_BY_LABEL] === MANAGER;
}
