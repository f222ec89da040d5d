// Whether a machine's Node is Ready, and was heard of since its machine was started: what a Node says of the time before counts for nothing.
import type { ApiObject, Client } from '../machinery/client-types.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { NODES } from '../machinery/resources.ts';
import { parseTimestamp } from '../machinery/timestamps.ts';
import type { Pending } from './machine-work.ts';

export interface ReadyNode extends ApiObject {
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly lastHeartbeatTime?: string | null;
      readonly lastTransitionTime?: string | null;
    }[];
  };
}

export function isNodeReady(node: ReadyNode | undefined): boolean {
  return readyOf(node)?.status === 'True';
}

export async function nodeAnswer(
  client: Client,
  name: string,
  startedAt: number,
  signal: AbortSignal,
): Promise<'done' | Pending> {
  let node: ReadyNode;
  try {
    node = await client.get<ReadyNode>(NODES, '', name, signal);
  } catch (error) {
    if (isNotFound(error)) return { pending: `there is no Node ${name} yet` };
    throw error;
  }
  const ready = readyOf(node);
  if (ready?.status !== 'True')
    return { pending: `Node ${name} is not Ready${ready?.reason ? ` (${ready.reason})` : ''}` };
  const heard =
    parseTimestamp(ready.lastHeartbeatTime) ?? parseTimestamp(ready.lastTransitionTime) ?? 0;
  return heard >= startedAt
    ? 'done'
    : { pending: `Node ${name} was not heard of since its machine was started` };
}

function readyOf(
  node: ReadyNode | undefined,
): NonNullable<NonNullable<ReadyNode['status']>['conditions']>[number] | undefined {
  return node?.status?.conditions?.find(({ type }) => type === 'Ready');
}
