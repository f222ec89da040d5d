// How many Pods the controller of a Pod wants. Services are known from their informer; whatever else controls Pods is asked for its
// /scale, by the name that discovery has for its kind.
import type { CacheView } from '../machinery/cache.ts';
import type { ApiObject, ApiResource, Client } from '../machinery/client-types.ts';
import { discover } from '../machinery/discovery.ts';
import type { OwnerReference } from '../machinery/owner-references.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { objectPath } from '../machinery/resource-path.ts';
import { SERVICES } from '../machinery/resources.ts';

export interface ScaledService extends ApiObject {
  readonly spec: { readonly mode?: string; readonly replicas?: number };
  readonly status?: { readonly desiredReplicas?: number };
}

interface Scale {
  readonly metadata?: { readonly uid?: string };
  readonly spec?: { readonly replicas?: number };
}

export class ScaleReader {
  readonly #client: Client;
  readonly #services: CacheView<ScaledService>;
  readonly #resources = new Map<string, ApiResource>();

  constructor(client: Client, services: CacheView<ScaledService>) {
    this.#client = client;
    this.#services = services;
  }

  /** @returns undefined when there is no such controller, or it has no scale */
  async scaleOf(
    owner: OwnerReference,
    namespace: string,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const slash = owner.apiVersion.indexOf('/');
    const group = slash < 0 ? '' : owner.apiVersion.slice(0, slash);
    if (group === SERVICES.group && owner.kind === SERVICES.kind) {
      const service = this.#services.get(namespace, owner.name);
      return service?.metadata.uid === owner.uid ? instancesOf(service) : undefined;
    }
    const resource = await this.#find(group, owner.kind, signal);
    if (resource === undefined) return undefined;
    try {
      const path = objectPath(resource, namespace, owner.name, 'scale');
      const scale = (await this.#client.getPath(path, signal)) as Scale;
      return scale.metadata?.uid === owner.uid ? (scale.spec?.replicas ?? 0) : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #find(group: string, kind: string, signal: AbortSignal): Promise<ApiResource | undefined> {
    const key = `${group}/${kind}`;
    const known = this.#resources.get(key);
    if (known !== undefined) return known;
    const { resources } = await discover(this.#client, signal);
    const found = resources.find((resource) => resource.group === group && resource.kind === kind);
    if (found !== undefined) this.#resources.set(key, found);
    return found;
  }
}

/** A Global service has as many as there are nodes for it, which its own controller counts. */
function instancesOf({ spec, status }: ScaledService): number {
  return spec.mode === 'Global' ? (status?.desiredReplicas ?? 0) : (spec.replicas ?? 1);
}
