// Takes a node out of the cluster: its object, its Lease, and with consent the claims whose data is on it. What ran there is then free
// to run elsewhere.
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { isConflict, isNotFound } from '#controllers/machinery/request-error.ts';
import { LEASES, NODES, PERSISTENT_VOLUME_CLAIMS, PODS } from '#controllers/machinery/resources.ts';
import { CommandError } from '../usage-error.ts';
import { nameOf } from './node-content.ts';
import type { Node } from './node-object.ts';

const LEASE_NAMESPACE = 'kube-node-lease';

/** @throws CommandError unless `force`, when there are any */
export function agreeToLoss(node: Node, claims: readonly ApiObject[], force: boolean): void {
  if (claims.length === 0 || force) return;
  const list = claims.map((claim) => `\n  ${nameOf(claim)}`).join('');
  throw new CommandError(
    `the data of ${claims.length} ${claims.length === 1 ? 'volume is' : 'volumes are'} on node ${node.metadata.name} and would be lost to their services:${list}`,
    'Pass --force to give it up: the volumes are then made anew, empty, on other nodes. Make sure first that the machine is off.',
  );
}

/** Claims first: as long as they are there, nothing that needs them starts elsewhere. */
export async function removeNode(
  client: Client,
  node: Node,
  claims: readonly ApiObject[],
  signal: AbortSignal,
): Promise<void> {
  for (const { metadata } of claims) {
    const { namespace = '', name, uid } = metadata;
    await ignoreGone(client.delete(PERSISTENT_VOLUME_CLAIMS, namespace, name, { uid }, signal));
  }
  const { name, uid } = node.metadata;
  await ignoreGone(client.delete(NODES, '', name, { uid }, signal));
  await ignoreGone(client.delete(LEASES, LEASE_NAMESPACE, name, {}, signal));
}

/**
 * Removes the Pods that were bound to a node that is gone: nobody is left to stop them. The node life cycle does the same; this holds
 * where it does not run.
 *
 * @returns how many there were
 */
export async function freePods(client: Client, node: string, signal: AbortSignal): Promise<number> {
  const selectors = { fieldSelector: `spec.nodeName=${node}` };
  const { items } = await client.list<ApiObject>(PODS, selectors, signal);
  for (const { metadata } of items) {
    const { namespace = '', name, uid } = metadata;
    const request = { uid, gracePeriodSeconds: 0 };
    await ignoreGone(client.delete(PODS, namespace, name, request, signal));
  }
  return items.length;
}

async function ignoreGone(deletion: Promise<void>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
