// Mirrors Endpoints that somebody wrote by hand, for Services without a selector, as EndpointSlices: whoever reads only slices finds
// them. A real cluster does this itself: there, this controller stays off.
import { keyOf, parseKey } from '../machinery/cache.ts';
import type { CacheView } from '../machinery/cache.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { Manager } from '../machinery/manager.ts';
import { isAlreadyExists, isNamespaceTerminating } from '../machinery/request-error.ts';
import { CORE_SERVICES, ENDPOINT_SLICES, ENDPOINTS } from '../machinery/resources.ts';
import { isMirrored, MAX_MIRRORED, mirroredAnnotations, mirrorOf } from './mirror.ts';
import { ownerKeyOf, SLICES_OF, sliceKeys, SliceWriter } from './slice-writer.ts';
import type { CoreService, Endpoints, EndpointSlice } from './types.ts';

const MANAGER = 'endpointslicemirroring-controller.k8s.io';
/** Until a cache that was behind has seen what is there. */
const BEHIND_MS = 100;

export function addEndpointSliceMirroringController(manager: Manager): void {
  manager.add(new EndpointSliceMirroringController(manager).loop);
}

class EndpointSliceMirroringController {
  readonly loop: Controller;
  readonly #services: CacheView<CoreService>;
  readonly #endpoints: CacheView<Endpoints>;
  readonly #slices: SliceWriter;

  constructor(manager: Manager) {
    const { client, clock, metrics, logger, random } = manager;
    const services = manager.informer<CoreService>(CORE_SERVICES);
    const endpoints = manager.informer<Endpoints>(ENDPOINTS);
    const slices = manager.informer<EndpointSlice>(ENDPOINT_SLICES, {
      indexers: { [SLICES_OF]: sliceKeys },
    });
    this.#services = services.cache;
    this.#endpoints = endpoints.cache;
    this.#slices = new SliceWriter(client, slices.cache);
    this.loop = new Controller({
      name: 'endpoint-slice-mirroring',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [services, endpoints, slices],
      clock,
      metrics,
      logger,
      random,
    });
    const { queue } = this.loop;
    for (const informer of [services, endpoints])
      informer.onChange(({ object }) => queue.add(keyOf(object)));
    slices.onChange(({ object }) => {
      const key = ownerKeyOf(object, MANAGER);
      if (key !== undefined) queue.add(key);
    });
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { namespace, name } = parseKey(key);
    const endpoints = this.#endpoints.get(namespace, name);
    if (endpoints === undefined || !isMirrored(endpoints, this.#services.get(namespace, name))) {
      await this.#slices.clear(namespace, name, MANAGER, signal);
      return DONE;
    }
    const owner = {
      resource: ENDPOINTS,
      object: endpoints,
      manager: MANAGER,
      labels: endpoints.metadata.labels ?? {},
      annotations: mirroredAnnotations(endpoints),
      maxEndpoints: MAX_MIRRORED,
      keepsEmpty: false,
    };
    const contents = new Map(
      (['IPv4', 'IPv6'] as const).map((type) => [type, mirrorOf(endpoints, type)]),
    );
    try {
      await this.#slices.write(owner, contents, signal);
      return DONE;
    } catch (error) {
      if (isNamespaceTerminating(error)) return DONE;
      if (isAlreadyExists(error)) return { outcome: 'requeueAfter', delayMs: BEHIND_MS };
      throw error;
    }
  }
}
