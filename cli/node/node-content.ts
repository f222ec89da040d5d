// What is on a node, and what is needed to say where it can go: asked of the server once, for plan and report.
import { placeOf } from '#controllers/machinery/claim-place.ts';
import type { Claim } from '#controllers/machinery/claim-place.ts';
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import {
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PODS,
  SERVICES,
} from '#controllers/machinery/resources.ts';
import type { Pod } from '#controllers/service/instance.ts';
import type { Service } from '#controllers/service/types.ts';
import type { Node } from './node-object.ts';

export interface NodeContent {
  /** Of the node, in order of namespace and name. */
  readonly pods: readonly Pod[];
  /** All nodes. */
  readonly nodes: readonly Node[];
  /** All Pods: what else serves. */
  readonly others: readonly Pod[];
  readonly services: readonly Service[];
  /** Claims whose data is on the node. */
  readonly claims: readonly ApiObject[];
}

export async function readContent(
  client: Client,
  node: string,
  podSelector: string | undefined,
  signal: AbortSignal,
): Promise<NodeContent> {
  const selectors = {
    fieldSelector: `spec.nodeName=${node}`,
    ...(podSelector === undefined ? {} : { labelSelector: podSelector }),
  };
  const [here, all, nodes, claims, services] = await Promise.all([
    client.list<Pod>(PODS, selectors, signal),
    client.list<Pod>(PODS, {}, signal),
    client.list<Node>(NODES, {}, signal),
    client.list<Claim>(PERSISTENT_VOLUME_CLAIMS, {}, signal),
    listServices(client, signal),
  ]);
  return {
    pods: here.items.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)),
    nodes: nodes.items,
    others: all.items.filter(({ spec }) => spec.nodeName !== node),
    services,
    claims: claims.items.filter((claim) => isKeptOn(node, claim, all.items)),
  };
}

/** For a claim that nobody has chosen a node for, its data is where it is used, such as by a Pod that was bound by hand. */
export function isKeptOn(node: string, claim: Claim, pods: readonly Pod[]): boolean {
  const place = placeOf(claim);
  if (typeof place === 'object') return place.node === node;
  if (place === 'anywhere') return false;
  const { name, namespace } = claim.metadata;
  return pods.some(
    ({ metadata, spec }) =>
      spec.nodeName === node &&
      metadata.namespace === namespace &&
      spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === name),
  );
}

/** `namespace/name` */
export function nameOf({ metadata: { namespace = 'default', name } }: ApiObject): string {
  return `${namespace}/${name}`;
}

/** A foreign server may not have them. */
async function listServices(client: Client, signal: AbortSignal): Promise<readonly Service[]> {
  try {
    return (await client.list<Service>(SERVICES, {}, signal)).items;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
