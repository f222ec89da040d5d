// What the node of a machine joins with, from the Secret that its spec names.
import type { Client } from '../machinery/client-types.ts';
import { GoalError } from '../rootfs/goal-state.ts';
import { nodeCredential } from '../rootfs/node-credential.ts';
import type { NodeCredential } from '../rootfs/node-credential.ts';
import { secretData } from './secret-data.ts';
import type { Machine } from './types.ts';

/**
 * Undefined where the spec names none.
 *
 * @throws GoalError for a Secret that is not there, or that has nothing of use
 */
export async function readCredential(
  client: Pick<Client, 'get'>,
  { metadata, spec }: Machine,
  signal: AbortSignal,
): Promise<NodeCredential | undefined> {
  const { node } = spec;
  const ref = node?.credentialSecretRef;
  if (node === undefined || ref === undefined) return undefined;
  const data = await secretData(client, metadata.namespace ?? '', ref.name, signal);
  if (data === undefined)
    throw new GoalError(`spec.node.credentialSecretRef: Secret ${ref.name} is not there`);
  const credential = nodeCredential(ref.name, data, ref.key);
  if (credential.kind !== 'kubeconfig' && (node.apiServer ?? '') === '')
    throw new GoalError('spec.node.apiServer: is required with a token or a certificate');
  return credential;
}
