// Endpoints and EndpointSlices of core Services with a selector: the addresses and ports of the Pods that they select. Nothing here
// carries traffic to them; ingresses, webhooks and service meshes read them. A real cluster does this itself: there, this controller
// stays off.
import { isDeepStrictEqual } from 'node:util';
import { keyOf, parseKey } from '../machinery/cache.ts';
import type { CacheView } from '../machinery/cache.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { Manager } from '../machinery/manager.ts';
import { isAlreadyExists, isNamespaceTerminating } from '../machinery/request-error.ts';
import { CORE_SERVICES, ENDPOINT_SLICES, ENDPOINTS, NODES, PODS } from '../machinery/resources.ts';
import { EndpointsWriter, isManaged } from './endpoints-writer.ts';
import {
  addressOf,
  addressTypesOf,
  endpointAddressOf,
  endpointOf,
  hasEnded,
  isReady,
  isSelecting,
  portsOf,
  selects,
} from './pod-endpoint.ts';
import type { AddressType } from './pod-endpoint.ts';
import type { SliceContent } from './plan-slices.ts';
import type { SubsetRow } from './plan-subsets.ts';
import { ownerKeyOf, SLICES_OF, sliceKeys, SliceWriter } from './slice-writer.ts';
import { HEADLESS_LABEL } from './types.ts';
import type {
  CoreService,
  Endpoint,
  EndpointPort,
  Endpoints,
  EndpointSlice,
  Node,
  Pod,
} from './types.ts';

const MANAGER = 'endpointslice-controller.k8s.io';
const MAX_ENDPOINTS = 100;
const ZONE_LABEL = 'topology.kubernetes.io/zone';
/** Until a cache that was behind has seen what is there. */
const BEHIND_MS = 100;

export function addEndpointSliceController(manager: Manager): void {
  manager.add(new EndpointSliceController(manager).loop);
}

class EndpointSliceController {
  readonly loop: Controller;
  readonly #services: CacheView<CoreService>;
  readonly #nodes: CacheView<Node>;
  readonly #podsOf: (namespace: string) => readonly Pod[];
  readonly #slices: SliceWriter;
  readonly #endpoints: EndpointsWriter;

  constructor(manager: Manager) {
    const { client, clock, metrics, logger, random } = manager;
    const services = manager.informer<CoreService>(CORE_SERVICES, {
      indexers: { selecting: (service) => (isSelecting(service) ? [namespaceOf(service)] : []) },
    });
    const pods = manager.informer<Pod>(PODS, {
      indexers: { namespace: (pod) => [namespaceOf(pod)] },
    });
    const nodes = manager.informer<Node>(NODES);
    const slices = manager.informer<EndpointSlice>(ENDPOINT_SLICES, {
      indexers: { [SLICES_OF]: sliceKeys },
    });
    const endpoints = manager.informer<Endpoints>(ENDPOINTS);
    this.#services = services.cache;
    this.#nodes = nodes.cache;
    this.#podsOf = (namespace) => pods.cache.indexed('namespace', namespace);
    this.#slices = new SliceWriter(client, slices.cache);
    this.#endpoints = new EndpointsWriter(client, endpoints.cache);
    this.loop = new Controller({
      name: 'endpoint-slice',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [services, pods, nodes, slices, endpoints],
      concurrency: 5,
      clock,
      metrics,
      logger,
      random,
    });
    const { queue } = this.loop;
    services.onChange(({ object }) => queue.add(keyOf(object)));
    pods.onChange((change) => {
      if (change.type === 'Updated') {
        if (isSame(change.previous, change.object)) return;
        // Labels that it had may have been those of another Service.
        this.#wake(change.previous);
      }
      this.#wake(change.object);
    });
    nodes.onChange((change) => {
      if (change.type === 'Updated' && zoneOf(change.previous) === zoneOf(change.object)) return;
      for (const service of this.#services.list())
        if (isSelecting(service)) queue.add(keyOf(service));
    });
    slices.onChange(({ object }) => {
      const key = ownerKeyOf(object, MANAGER);
      if (key !== undefined) queue.add(key);
    });
    endpoints.onChange(({ object }) => {
      // Those that somebody wrote before there is a Service of that name are theirs.
      const { namespace = '', name } = object.metadata;
      if (isManaged(object) || this.#services.get(namespace, name) !== undefined)
        queue.add(keyOf(object));
    });
  }

  #wake(pod: Pod): void {
    for (const service of this.#services.indexed('selecting', namespaceOf(pod)))
      if (selects(service, pod)) this.loop.queue.add(keyOf(service));
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { namespace, name } = parseKey(key);
    const service = this.#services.get(namespace, name);
    // Slices are its dependents and go with it.
    if (service === undefined) {
      await this.#endpoints.delete(namespace, name, signal);
      return DONE;
    }
    // Without a selector they are somebody else's, also those that were made when there was one.
    if (!isSelecting(service) || service.metadata.deletionTimestamp !== undefined) return DONE;
    try {
      await this.#write(service, signal);
      return DONE;
    } catch (error) {
      if (isNamespaceTerminating(error)) return DONE;
      if (isAlreadyExists(error)) return { outcome: 'requeueAfter', delayMs: BEHIND_MS };
      throw error;
    }
  }

  async #write(service: CoreService, signal: AbortSignal): Promise<void> {
    const pods = this.#podsOf(namespaceOf(service)).filter(
      (pod) => selects(service, pod) && !hasEnded(pod),
    );
    const { [HEADLESS_LABEL]: _, ...own } = service.metadata.labels ?? {};
    const isHeadless = ['', 'None'].includes(service.spec.clusterIP ?? '');
    const labels = isHeadless ? { ...own, [HEADLESS_LABEL]: '' } : own;
    const types = addressTypesOf(service);
    const owner = {
      resource: CORE_SERVICES,
      object: service,
      manager: MANAGER,
      labels,
      maxEndpoints: MAX_ENDPOINTS,
      keepsEmpty: true,
    };
    const contents = new Map(types.map((type) => [type, this.#contents(service, pods, type)]));
    await this.#slices.write(owner, contents, signal);
    const rows = subsetRows(service, pods, types[0] ?? 'IPv4');
    await this.#endpoints.write(service, labels, rows, signal);
  }

  /** Pods with the same ports together: named ones may differ from Pod to Pod. */
  #contents(
    service: CoreService,
    pods: readonly Pod[],
    type: AddressType,
  ): readonly SliceContent[] {
    const contents = new Map<string, { ports: readonly EndpointPort[]; endpoints: Endpoint[] }>();
    for (const pod of pods) {
      const address = addressOf(pod, type);
      const { nodeName } = pod.spec;
      const node = nodeName === undefined ? undefined : this.#nodes.get('', nodeName);
      // Of a node that is gone nothing answers any more, whatever was last said of it.
      const isLost = nodeName !== undefined && node === undefined;
      if (address === undefined || (isLost && service.spec.publishNotReadyAddresses !== true))
        continue;
      const ports = portsOf(service, pod);
      const key = JSON.stringify(ports);
      const content = contents.get(key) ?? { ports, endpoints: [] };
      contents.set(key, content);
      content.endpoints.push(endpointOf(service, pod, address, node));
    }
    return [...contents.values()];
  }
}

/** Pods that end are in no Endpoints, unless all shall be. */
function subsetRows(
  service: CoreService,
  pods: readonly Pod[],
  type: AddressType,
): readonly SubsetRow[] {
  const isAll = service.spec.publishNotReadyAddresses === true;
  return pods.flatMap((pod) => {
    const ip = addressOf(pod, type);
    const isEnding = pod.metadata.deletionTimestamp !== undefined;
    const ports = portsOf(service, pod);
    if (ip === undefined || (isEnding && !isAll)) return [];
    // None of its ports is one of the Service's.
    if (ports.length === 0 && (service.spec.ports ?? []).length > 0) return [];
    return [{ address: endpointAddressOf(service, pod, ip), ready: isAll || isReady(pod), ports }];
  });
}

function namespaceOf({ metadata: { namespace = '' } }: ApiObject): string {
  return namespace;
}

function zoneOf({ metadata: { labels = {} } }: ApiObject): string {
  return labels[ZONE_LABEL] ?? '';
}

/** Nothing that an endpoint says has changed: most of what a Pod reports is about other things. */
function isSame(a: Pod, b: Pod): boolean {
  return isDeepStrictEqual(factsOf(a), factsOf(b));
}

function factsOf(pod: Pod): unknown {
  const { metadata, spec, status } = pod;
  return [
    metadata.uid,
    metadata.labels,
    metadata.deletionTimestamp !== undefined,
    spec.nodeName,
    spec.hostname,
    spec.subdomain,
    status?.podIP,
    status?.podIPs,
    hasEnded(pod),
    isReady(pod),
  ];
}
