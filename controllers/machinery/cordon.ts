// Keeps new Pods off a node, and lets them come again. Whoever cordons in its own name is the only one who takes that back by itself.
import type { ApiObject, Client } from './client-types.ts';
import { isNotFound } from './request-error.ts';
import { NODES } from './resources.ts';

/** On a Node: in whose name it is cordoned, such as `machine/web-1`. Absent: a person did it. */
export const CORDONED_BY_ANNOTATION = 'windlass.dev/cordoned-by';

interface Cordonable extends ApiObject {
  readonly spec?: { readonly unschedulable?: boolean };
}

/** Undefined when there is none of that name. */
export async function findNode<T extends Cordonable>(
  client: Client,
  name: string,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    return await client.get<T>(NODES, '', name, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * A node that somebody else cordoned stays theirs; no node is fine.
 *
 * @param by undefined: a person. @returns whether that changed anything
 */
export async function cordonNode(
  client: Client,
  name: string,
  by: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const node = await findNode(client, name, signal);
  if (node === undefined || node.spec?.unschedulable === true) return false;
  const mark = { metadata: { annotations: { [CORDONED_BY_ANNOTATION]: by ?? null } } };
  const patch = { ...mark, spec: { unschedulable: true } };
  await client.patch(NODES, '', name, '', 'merge', patch, signal);
  return true;
}

/**
 * @param by uncordons only what was cordoned in that name; undefined: a person, who may always
 * @returns whether that changed anything
 */
export async function uncordonNode(
  client: Client,
  name: string,
  by: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const node = await findNode(client, name, signal);
  const cordonedBy = node?.metadata.annotations?.[CORDONED_BY_ANNOTATION];
  const isOurs = by === undefined ? node?.spec?.unschedulable === true : cordonedBy === by;
  if (!isOurs) return false;
  const mark = { metadata: { annotations: { [CORDONED_BY_ANNOTATION]: null } } };
  const patch = { ...mark, spec: { unschedulable: null } };
  await client.patch(NODES, '', name, '', 'merge', patch, signal);
  return true;
}
