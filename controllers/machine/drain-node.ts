// Takes the work off a machine's node before its slot is switched, and gives it back: cordon, evictions that budgets are asked for,
// uncordon. Only what this machine cordoned is ever uncordoned.
import { parseDuration } from '../machinery/duration.ts';
import type { ApiObject, Client } from '../machinery/client-types.ts';
import { isConflict, isNotFound, RequestError } from '../machinery/request-error.ts';
import { NODES, PODS } from '../machinery/resources.ts';
import { StepError } from './machine-work.ts';
import type { Pending } from './machine-work.ts';
import { CORDONED_BY_ANNOTATION } from './types.ts';
import type { DrainSpec } from './types.ts';

interface NodeObject extends ApiObject {
  readonly spec?: { readonly unschedulable?: boolean };
}

interface DrainedPod extends ApiObject {
  readonly status?: { readonly phase?: string };
}

export interface DrainOptions {
  readonly client: Client;
  /** Of the Machine, and of its Node. */
  readonly name: string;
  readonly settings: DrainSpec;
  readonly now: number;
  /** When the drain began. */
  readonly startedAt: number;
}

const TIMEOUT_MS = 300_000;

export async function drainNode(
  { client, name, settings, now, startedAt }: DrainOptions,
  signal: AbortSignal,
): Promise<'done' | Pending> {
  const node = await nodeOf(client, name, signal);
  if (node === undefined || settings.enabled === false) return 'done';
  const owner = `machine/${name}`;
  const isCordoned = node.spec?.unschedulable === true;
  if (!isCordoned) {
    const metadata = { annotations: { [CORDONED_BY_ANNOTATION]: owner } };
    const patch = { metadata, spec: { unschedulable: true } };
    await client.patch(NODES, '', name, '', 'merge', patch, signal);
  }
  const pods = await podsOf(client, name, settings.podSelector, signal);
  if (pods.length === 0) return 'done';
  const isLate = now - startedAt > (parseDuration(settings.timeout ?? '') ?? TIMEOUT_MS);
  const isForced = isLate && settings.onTimeout === 'Force';
  const graceMs = parseDuration(settings.gracePeriod ?? '');
  const grace = graceMs === undefined ? {} : { gracePeriodSeconds: Math.round(graceMs / 1000) };
  const problems = await Promise.all(
    pods.map((pod) => removePod(client, pod, isForced, grace, signal)),
  );
  const held = problems.filter((problem) => problem !== undefined);
  const names = pods.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
  const shown = `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
  const why = held.length === 0 ? '' : `: ${[...new Set(held)].slice(0, 3).join('; ')}`;
  if (isLate && !isForced)
    throw new StepError(
      'DrainTimeout',
      `the node is not empty within ${settings.timeout ?? '5m'}; there are ${shown}${why}`,
    );
  return { pending: `waits for ${shown}${why}` };
}

/** What somebody else cordoned stays so. */
export async function uncordonNode(
  client: Client,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const node = await nodeOf(client, name, signal);
  if (node?.metadata.annotations?.[CORDONED_BY_ANNOTATION] !== `machine/${name}`) return;
  const metadata = { annotations: { [CORDONED_BY_ANNOTATION]: null } };
  await client.patch(
    NODES,
    '',
    name,
    '',
    'merge',
    { metadata, spec: { unschedulable: null } },
    signal,
  );
}

/** Pods that must leave: not those of DaemonSets and of the node itself, and not those that have ended. */
async function podsOf(
  client: Client,
  node: string,
  labelSelector: string | undefined,
  signal: AbortSignal,
): Promise<readonly DrainedPod[]> {
  const { items } = await client.list<DrainedPod>(
    PODS,
    {
      fieldSelector: `spec.nodeName=${node}`,
      ...(labelSelector === undefined ? {} : { labelSelector }),
    },
    signal,
  );
  return items.filter(({ metadata, status }) => {
    const isMirror = metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
    const isOfDaemonSet = metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet');
    const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed';
    return !isMirror && isOfDaemonSet !== true && !isOver;
  });
}

/** @returns why it may not leave now */
async function removePod(
  client: Client,
  { metadata }: DrainedPod,
  isForced: boolean,
  grace: { readonly gracePeriodSeconds?: number },
  signal: AbortSignal,
): Promise<string | undefined> {
  const { namespace = '', name, uid } = metadata;
  // It is leaving; asking again would only start its grace period anew.
  if (metadata.deletionTimestamp !== undefined && !isForced) return undefined;
  try {
    if (isForced) await client.delete(PODS, namespace, name, { uid, ...grace }, signal);
    else {
      const body = {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace },
        deleteOptions: { preconditions: { uid }, ...grace },
      };
      await client.connect(PODS, namespace, name, 'eviction', body, signal);
    }
    return undefined;
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return undefined;
    if (error instanceof RequestError && error.code === 429) return error.message;
    throw error;
  }
}

async function nodeOf(
  client: Client,
  name: string,
  signal: AbortSignal,
): Promise<NodeObject | undefined> {
  try {
    return await client.get<NodeObject>(NODES, '', name, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
