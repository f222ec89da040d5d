// What nodes have left for more instances. Pure, but for what it is given to ask.
import { requestsOf, Room } from '../machinery/pod-requests.ts';
import type { Pod } from './instance.ts';

interface NodeWithResources {
  readonly status?: { readonly allocatable?: Readonly<Record<string, string>> };
}

/** Made anew for each plan: the plan takes from it what it adds. @param podsOn bound there, finished or not */
export function roomOf(
  nodeOf: (name: string) => NodeWithResources | undefined,
  podsOn: (name: string) => readonly Pod[],
): (name: string) => Room | undefined {
  const rooms = new Map<string, Room | undefined>();
  return (name) => {
    if (!rooms.has(name)) rooms.set(name, roomOn(nodeOf(name), podsOn(name)));
    return rooms.get(name);
  };
}

function roomOn(node: NodeWithResources | undefined, pods: readonly Pod[]): Room | undefined {
  const allocatable = node?.status?.allocatable;
  if (allocatable === undefined) return undefined;
  const room = new Room(allocatable);
  for (const { spec, status } of pods) {
    const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed';
    if (!isOver) room.take(requestsOf(spec));
  }
  return room;
}
