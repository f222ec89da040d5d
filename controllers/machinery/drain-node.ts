// How controllers empty a node before they change what runs on it: nobody is there to be asked, so whatever can move moves, within
// budgets and a time.
import type { Clock } from '#platform/clock.ts';
import { drainVerdict, UNATTENDED } from '#platform/drain-verdict.ts';
import type { Client } from './client-types.ts';
import { drainTimeout } from './drain-settings.ts';
import type { DrainSettings } from './drain-settings.ts';
import { parseDuration } from './duration.ts';
import { askToLeave, emptyNode, EvictionMemory } from './empty-node.ts';
import type { EmptyNodeOptions, LeftPod } from './empty-node.ts';

export interface DrainedNode {
  readonly client: Client;
  readonly clock: Clock;
  /** Of the Node. */
  readonly name: string;
}

/** The node did not get empty: it stays what it was. */
export class DrainError extends Error {
  override readonly name = 'DrainError';
}

/**
 * Resolves when no Pod is left that has to go.
 *
 * @throws DrainError naming what is left, after the timeout; with onTimeout Force only when that does not go either
 */
export async function drainNode(
  node: DrainedNode,
  settings: DrainSettings,
  signal: AbortSignal,
): Promise<void> {
  if (settings.enabled === false) return;
  const memory = new EvictionMemory();
  const patience = { timeoutMs: drainTimeout(settings).ms, stopsAtRefusals: false };
  let left = await emptyNode(optionsOf(node, settings, 'eviction', memory), patience, signal);
  if (left.length > 0 && settings.onTimeout === 'Force')
    left = await emptyNode(optionsOf(node, settings, 'deletion', memory), patience, signal);
  if (left.length > 0) throw new DrainError(messageOf(node, settings, left));
}

/**
 * One look of a drain that somebody else keeps coming back to.
 *
 * @param sinceMs how long the drain has gone on
 * @returns why the node is not empty yet; undefined when it is
 * @throws DrainError after the timeout
 */
export async function drainStep(
  node: DrainedNode,
  settings: DrainSettings,
  { sinceMs, memory }: { readonly sinceMs: number; readonly memory: EvictionMemory },
  signal: AbortSignal,
): Promise<string | undefined> {
  if (settings.enabled === false) return undefined;
  const timeoutMs = drainTimeout(settings).ms;
  const isForced = sinceMs > timeoutMs && settings.onTimeout === 'Force';
  const options = optionsOf(node, settings, isForced ? 'deletion' : 'eviction', memory);
  const left = await askToLeave(options, signal);
  if (left.length === 0) return undefined;
  // Forced, they get the same time once more.
  if (sinceMs > timeoutMs * (settings.onTimeout === 'Force' ? 2 : 1))
    throw new DrainError(messageOf(node, settings, left));
  return `waits for ${listed(left)}`;
}

function optionsOf(
  { client, clock, name: node }: DrainedNode,
  { gracePeriod = '', podSelector }: DrainSettings,
  by: 'eviction' | 'deletion',
  memory: EvictionMemory,
): EmptyNodeOptions {
  const graceMs = parseDuration(gracePeriod);
  return {
    client,
    clock,
    node,
    by,
    memory,
    gracePeriodSeconds: graceMs === undefined ? undefined : Math.round(graceMs / 1000),
    mustGo(pod) {
      const { action } = drainVerdict(pod, node, UNATTENDED);
      return action === 'evict' || action === 'wait';
    },
    ...(podSelector === undefined ? {} : { podSelector }),
  };
}

function messageOf(
  { name }: DrainedNode,
  settings: DrainSettings,
  left: readonly LeftPod[],
): string {
  return `node ${name} is not empty after ${drainTimeout(settings).text}: ${listed(left)}`;
}

function listed(left: readonly LeftPod[]): string {
  const each = left.slice(0, 5).map(({ pod, why }) => {
    const { namespace = 'default', name } = pod.metadata;
    return `${namespace}/${name}: ${why}`;
  });
  return `${each.join('; ')}${left.length > 5 ? ` and ${left.length - 5} more` : ''}`;
}
