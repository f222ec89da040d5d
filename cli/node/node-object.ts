// Reading one node that was named on the command line.
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { isConditionTrue } from '#controllers/machinery/conditions.ts';
import type { NodeObject } from '#controllers/machinery/node-fit.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import { NODES } from '#controllers/machinery/resources.ts';
import { CommandError } from '../usage-error.ts';

export type Node = ApiObject & NodeObject;

/** @throws CommandError when there is none of that name */
export async function readNode(client: Client, name: string, signal: AbortSignal): Promise<Node> {
  try {
    return await client.get<Node>(NODES, '', name, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new CommandError(`there is no node ${name}`, 'kubectl get nodes lists them.', {
      cause: error,
    });
  }
}

/** True while its agent answers. */
export function isReady(node: Node): boolean {
  return isConditionTrue(node.status?.conditions, 'Ready');
}
