// Empties a Node through the eviction API: asks for each Pod again and again while its budget does not allow it, for so long and no
// longer. Looks by listing: whoever starts anew goes on where the one before was.
import type { V1PodSpec } from '@kubernetes/client-node';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import type { ApiObject, Client } from '../machinery/client-types.ts';
import { controllerOf } from '../machinery/owner-references.ts';
import { isConflict, isNotFound, RequestError } from '../machinery/request-error.ts';
import { NODES, PODS } from '../machinery/resources.ts';
import { parseDuration } from '../machinery/duration.ts';
import { DrainError } from './member-driver.ts';
import type { NodeView } from './observed.ts';
import type { DrainSettings } from './settings.ts';
import { CORDONED_BY_ANNOTATION } from './types.ts';

export interface NodeContext {
  readonly client: Client;
  readonly clock: Clock;
  /** Of the Node. */
  readonly name: string;
  /** Who cordons: only that one uncordons. */
  readonly machine: string;
}

interface Pod extends ApiObject {
  readonly spec?: V1PodSpec;
  readonly status?: { readonly phase?: string };
}

const ASK_EVERY_MS = 1_000;
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const GLOBAL_KIND = 'DaemonSet';

export async function findNode(
  { client, name }: NodeContext,
  signal: AbortSignal,
): Promise<NodeView | undefined> {
  try {
    return await client.get<NodeView>(NODES, '', name, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Marks the Node as ours to uncordon; one that somebody else cordoned stays theirs. */
export async function cordonNode(context: NodeContext, signal: AbortSignal): Promise<void> {
  const node = await findNode(context, signal);
  if (node === undefined || node.spec?.unschedulable === true) return;
  const mark = { [CORDONED_BY_ANNOTATION]: `machine/${context.machine}` };
  const patch = { metadata: { annotations: mark }, spec: { unschedulable: true } };
  await context.client.patch(NODES, '', context.name, '', 'merge', patch, signal);
}

export async function uncordonNode(context: NodeContext, signal: AbortSignal): Promise<void> {
  const node = await findNode(context, signal);
  if (node?.metadata.annotations?.[CORDONED_BY_ANNOTATION] !== `machine/${context.machine}`) return;
  const patch = {
    metadata: { annotations: { [CORDONED_BY_ANNOTATION]: null } },
    spec: { unschedulable: null },
  };
  await context.client.patch(NODES, '', context.name, '', 'merge', patch, signal);
}

/**
 * Resolves when no Pod is left that has to go.
 *
 * @throws DrainError naming what is left, after the timeout; with onTimeout Force only when that does not go either
 */
export async function drainNode(
  context: NodeContext,
  settings: DrainSettings,
  signal: AbortSignal,
): Promise<void> {
  if (!settings.enabled || (await findNode(context, signal)) === undefined) return;
  const left = await emptied(context, settings, 'evict', signal);
  if (left.length === 0) return;
  if (settings.onTimeout === 'Force') {
    const still = await emptied(context, settings, 'delete', signal);
    if (still.length === 0) return;
    throw new DrainError(messageOf(context, settings, still));
  }
  throw new DrainError(messageOf(context, settings, left));
}

interface Left {
  readonly pod: string;
  readonly why: string;
}

async function emptied(
  context: NodeContext,
  settings: DrainSettings,
  by: 'evict' | 'delete',
  signal: AbortSignal,
): Promise<readonly Left[]> {
  const { clock } = context;
  const end = clock.monotonic() + (parseDuration(settings.timeout) ?? 300_000);
  for (;;) {
    const pods = await podsToMove(context, settings, signal);
    if (pods.length === 0) return [];
    const left = await Promise.all(pods.map((pod) => ask(pod, context, settings, by, signal)));
    const waitMs = Math.min(ASK_EVERY_MS, end - clock.monotonic());
    if (waitMs <= 0) return left;
    await sleep(clock, waitMs, signal);
  }
}

async function podsToMove(
  { client, name }: NodeContext,
  { podSelector }: DrainSettings,
  signal: AbortSignal,
): Promise<readonly Pod[]> {
  const selectors = {
    fieldSelector: `spec.nodeName=${name}`,
    ...(podSelector === undefined ? {} : { labelSelector: podSelector }),
  };
  const { items } = await client.list<Pod>(PODS, selectors, signal);
  return items.filter(
    (pod) =>
      pod.metadata.annotations?.[MIRROR_ANNOTATION] === undefined &&
      pod.status?.phase !== 'Succeeded' &&
      pod.status?.phase !== 'Failed' &&
      controllerOf(pod)?.kind !== GLOBAL_KIND &&
      !isPinned(pod, name),
  );
}

/** Whoever made it wants it on this very node, as Global services and DaemonSets do, and tolerates that the node is cordoned. */
function isPinned({ spec }: Pod, node: string): boolean {
  const toleratesCordon = spec?.tolerations?.some(
    ({ key, operator }) =>
      (key === 'node.kubernetes.io/unschedulable' || key === undefined) && operator === 'Exists',
  );
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const isHere = terms?.every(({ matchFields }) =>
    matchFields?.some(({ key, values }) => key === 'metadata.name' && values?.includes(node)),
  );
  return toleratesCordon === true && isHere === true;
}

async function ask(
  { metadata }: Pod,
  { client }: NodeContext,
  { gracePeriod }: DrainSettings,
  by: 'evict' | 'delete',
  signal: AbortSignal,
): Promise<Left> {
  const { name, namespace = 'default', uid } = metadata;
  const pod = `${namespace}/${name}`;
  if (metadata.deletionTimestamp !== undefined) return { pod, why: 'is stopping' };
  const gracePeriodSeconds = Math.round((parseDuration(gracePeriod) ?? 120_000) / 1000);
  try {
    if (by === 'delete')
      await client.delete(PODS, namespace, name, { uid, gracePeriodSeconds }, signal);
    else
      await client.connect(
        PODS,
        namespace,
        name,
        'eviction',
        {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name, namespace },
          deleteOptions: { preconditions: { uid }, gracePeriodSeconds },
        },
        signal,
      );
    return { pod, why: 'is stopping' };
  } catch (error) {
    signal.throwIfAborted();
    // Gone, or another one has its name by now.
    if (isNotFound(error) || isConflict(error)) return { pod, why: 'is gone' };
    if (!(error instanceof RequestError)) throw error;
    return { pod, why: error.message };
  }
}

function messageOf(
  { name }: NodeContext,
  { timeout }: DrainSettings,
  left: readonly Left[],
): string {
  const each = left.slice(0, 5).map(({ pod, why }) => `${pod}: ${why}`);
  return `node ${name} is not empty after ${timeout}: ${each.join('; ')}${left.length > 5 ? ` and ${left.length - 5} more` : ''}`;
}
