// Empties a node: cordon, report, evict, wait. What `windlass node drain` does, and `windlass node remove` before it removes.
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { cordonNode } from '#controllers/machinery/cordon.ts';
import { systemClock } from '#platform/clock.ts';
import { parseDuration } from '#controllers/machinery/duration.ts';
import type { CommandIO } from '../command.ts';
import type { OptionTable } from '../options.ts';
import { createProgress } from '../progress.ts';
import { CommandError, UsageError } from '../usage-error.ts';
import { formatDrain, planDrain } from './drain-plan.ts';
import type { DrainRules } from './drain-plan.ts';
import { evictPods } from './evict-pods.ts';
import { nameOf, readContent } from './node-content.ts';
import { isReady } from './node-object.ts';
import type { Node } from './node-object.ts';

export const drainOptions = {
  force: { type: 'boolean', help: 'Also delete Pods that nothing makes again' },
  'delete-emptydir-data': {
    type: 'boolean',
    help: 'Also evict Pods with emptyDir volumes, whose data goes with them',
  },
  'ignore-global': {
    type: 'boolean',
    help: 'Leave instances of Global services (and Pods of DaemonSets) where they are',
  },
  'ignore-volumes': {
    type: 'boolean',
    help: 'Leave instances whose volumes are on this node: they cannot run elsewhere',
  },
  'pod-selector': {
    type: 'string',
    placeholder: 'SELECTOR',
    help: 'Only Pods with these labels, such as app=web',
  },
  'grace-period': {
    type: 'integer',
    placeholder: 'SECONDS',
    minimum: -1,
    maximum: 2_147_483_647,
    default: -1,
    help: 'Seconds that each Pod has to stop; -1: as it asks for itself',
  },
  'disable-eviction': {
    type: 'boolean',
    help: 'Delete without asking PodDisruptionBudgets',
  },
  timeout: {
    type: 'string',
    placeholder: 'DURATION',
    help: 'Stop waiting after so long, such as 5m (default: when the node is empty)',
  },
} as const satisfies OptionTable;

export interface DrainValues {
  readonly force: boolean;
  readonly 'delete-emptydir-data': boolean;
  readonly 'ignore-global': boolean;
  readonly 'ignore-volumes': boolean;
  readonly 'pod-selector': string | undefined;
  readonly 'grace-period': number;
  readonly 'disable-eviction': boolean;
  readonly timeout: string | undefined;
}

/** @throws UsageError for what is no duration */
export function timeoutOf({ timeout }: DrainValues): number | undefined {
  if (timeout === undefined || timeout === '0' || timeout === '0s') return undefined;
  const ms = parseDuration(timeout);
  if (ms === undefined)
    throw new UsageError(
      `--timeout must be a duration such as 90s or 5m, found ${JSON.stringify(timeout)}`,
    );
  return ms;
}

/**
 * Resolves when everything that had to go is gone.
 *
 * @throws CommandError that says what is left and why
 */
export async function drain(
  client: Client,
  node: Node,
  values: DrainValues & { readonly 'dry-run': boolean },
  io: CommandIO,
  signal: AbortSignal,
): Promise<void> {
  const { name } = node.metadata;
  const timeoutMs = timeoutOf(values);
  const isDryRun = values['dry-run'];
  const isNew = isDryRun ? false : await cordonNode(client, name, undefined, signal);
  if (!isDryRun) io.out(`node/${name} ${isNew ? 'cordoned' : 'already cordoned'}\n`);
  const content = await readContent(client, name, values['pod-selector'], signal);
  const steps = planDrain(name, content, rulesOf(values));
  io.out(formatDrain(name, steps));
  const refused = steps.filter(({ action }) => action === 'refuse');
  if (refused.length > 0)
    throw new CommandError(
      `node ${name} is not drained: ${refused.length} of its Pods may not be evicted, as said above`,
      isDryRun ? undefined : `It takes no new ones; windlass node uncordon ${name} undoes that.`,
    );
  if (isDryRun) return;
  const going = steps.filter(({ action }) => action === 'evict' || action === 'wait');
  if (going.length > 0 && !isReady(node))
    throw new CommandError(
      `node ${name} does not answer: what is on it cannot be stopped from here`,
      `Bring it back, or give it up with: windlass node remove ${name}`,
    );
  const pods = going.map(({ pod }) => pod);
  await evictAll(client, name, pods, { ...values, timeoutMs }, io, signal);
}

function rulesOf(values: DrainValues): DrainRules {
  return {
    force: values.force,
    deleteEmptyDirData: values['delete-emptydir-data'],
    ignoreGlobal: values['ignore-global'],
    ignoreVolumes: values['ignore-volumes'],
  };
}

async function evictAll(
  client: Client,
  node: string,
  pods: readonly ApiObject[],
  values: DrainValues & { readonly timeoutMs: number | undefined },
  io: CommandIO,
  signal: AbortSignal,
): Promise<void> {
  const grace = values['grace-period'];
  const timeoutMs = values.timeoutMs ?? Infinity;
  const startedAt = systemClock.monotonic();
  const failures = await evictPods(
    pods,
    {
      client,
      clock: systemClock,
      progress: createProgress(io.out, io.columns),
      node,
      gracePeriodSeconds: grace < 0 ? undefined : grace,
      disableEviction: values['disable-eviction'],
      timeoutMs,
    },
    signal,
  );
  if (failures.length === 0) return;
  const why = signal.aborted
    ? 'it was interrupted'
    : systemClock.monotonic() - startedAt >= timeoutMs
      ? `the time of --timeout ${values.timeout} is up`
      : 'some Pods could not be evicted';
  const list = failures.map(({ pod, problem }) => `\n  ${nameOf(pod)}  ${problem}`);
  throw new CommandError(
    `node ${node} is not drained: ${why}${list.join('')}`,
    `The node stays cordoned. Run it again to go on, or windlass node uncordon ${node}.`,
  );
}
