// What Omni says of a cluster, and waiting for it.
import type { Clock } from '#platform/clock.ts';
import type { ClusterStatus } from '../provider.ts';
import { waitUntil } from '../wait-until.ts';
import { OMNI_TYPES } from './omni-client.ts';
import type { OmniClient, OmniResource } from './omni-client.ts';

const PHASES = ['unknown', 'scaling_up', 'scaling_down', 'running', 'destroying'];
const STAGES =
  'unknown booting installing configuring running destroying upgrading rebooting shutting_down before_destroy powering_on powered_off'.split(
    ' ',
  );
const POLL_MS = 10_000;

/** Omni writes enums as numbers; a gateway may be set to write their names. */
function word(value: unknown, words: readonly string[]): string {
  if (typeof value === 'number') return words[value] ?? 'unknown';
  return typeof value === 'string' ? value.toLowerCase() : 'unknown';
}

/** `running` only when it is ready too. */
export function stateOfMachine(status: OmniResource | undefined): string {
  if (status === undefined) return 'unknown';
  const stage = word(status.spec['stage'], STAGES);
  return stage === 'running' && status.spec['ready'] !== true ? 'not_ready' : stage;
}

/** Undefined where Omni has no status of it: then machines are counted. */
export function statusOf(
  status: OmniResource | undefined,
  endpoint: string,
): Pick<ClusterStatus, 'phase' | 'isReady' | 'endpoint'> | undefined {
  if (status === undefined) return undefined;
  const phase = word(status.spec['phase'], PHASES);
  if (phase === 'unknown') return undefined;
  const isReady = phase === 'running' && status.spec['ready'] === true;
  return { phase: phase === 'running' && !isReady ? 'degraded' : phase, isReady, endpoint };
}

export interface WaitForClusterOptions {
  readonly until: 'running' | 'ready';
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** @throws WaitTimedOut; the signal's reason; what Omni refused with */
export function waitForCluster(
  client: OmniClient,
  cluster: string,
  { until, timeoutMs, clock, signal }: WaitForClusterOptions,
): Promise<void> {
  const what = `cluster ${cluster} is ${until}`;
  return waitUntil({ what, timeoutMs, pollMs: POLL_MS, clock, signal }, async () => {
    const status = await client.get(OMNI_TYPES.clusterStatus, cluster, signal);
    const phase = word(status?.spec['phase'], PHASES);
    const isReady = status?.spec['ready'] === true;
    if (phase === 'running' && (until === 'running' || isReady)) return true;
    return `${phase}${isReady ? '' : ', not ready'}`;
  });
}
