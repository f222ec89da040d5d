// `npm run bench idle`: what a Service of 10,000 ready instances on 200 hollow nodes costs while nothing happens: writes that are no
// Lease, counted by the server, and the processor time of the controllers.
import type { Client } from '#controllers/machinery/client-types.ts';
import { sleep, systemClock } from '#platform/clock.ts';
import { HollowCluster, processorMs } from './hollow-cluster.ts';
import { figure } from './report.ts';

const fullNodes = 200;
const fullInstances = 10_000;
const watchedSeconds = 60;
/** So long without a write of anything but Leases, and the rollout counts as over, its events included. */
const quietSeconds = 10;
const patienceSeconds = 300;
const targetShare = 0.005;

const WRITES: ReadonlySet<string> = new Set([
  'POST',
  'PUT',
  'PATCH',
  'APPLY',
  'DELETE',
  'DELETECOLLECTION',
]);

/** Requests that write so far, by resource. */
async function writes(client: Client, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const line of (await client.getText('/metrics', signal)).split('\n')) {
    const [, text = '', count = ''] = /^apiserver_request_total\{(.*)\} (\d+)$/.exec(line) ?? [];
    const labels = new Map(
      Array.from(text.matchAll(/(\w+)="([^"]*)"/g), ([, key = '', value = '']) => [key, value]),
    );
    if (!WRITES.has(labels.get('verb') ?? '')) continue;
    const resource = labels.get('resource') ?? '';
    counts.set(resource, (counts.get(resource) ?? 0) + Number(count));
  }
  return counts;
}

/** What was written in between, Leases aside: `3 events`. */
function written(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  return new Map(
    [...after]
      .map(([resource, count]) => [resource, count - (before.get(resource) ?? 0)] as const)
      .filter(([resource, count]) => resource !== 'leases' && count > 0),
  );
}

async function untilQuiet({ client, signal }: HollowCluster): Promise<void> {
  const end = performance.now() + patienceSeconds * 1_000;
  let before = await writes(client, signal);
  while (performance.now() < end) {
    await sleep(systemClock, quietSeconds * 1_000, signal);
    const after = await writes(client, signal);
    if (written(before, after).size === 0) return;
    before = after;
  }
  console.log(`  still being written after ${patienceSeconds} s`);
}

/** Prints the writes and the share of a processor. @param scale of nodes and instances, 1 for the full size */
export async function benchIdle(scale: number): Promise<void> {
  const nodeCount = Math.ceil(fullNodes * scale);
  const count = Math.ceil(fullInstances * scale);
  await using cluster = await HollowCluster.start();
  const { client, signal } = cluster;
  const nodes = await cluster.nodes(nodeCount);
  await using controllers = await cluster.controllers();
  const began = performance.now();
  await cluster.createService('web', count);
  await cluster.serviceReady('web', count);
  figure(
    `${count} instances on ${nodeCount} nodes, Ready after`,
    (performance.now() - began) / 1_000,
    's',
  );
  await untilQuiet(cluster);

  const renewals = nodes.renewals;
  const before = await writes(client, signal);
  const usedBefore = processorMs(controllers.child.pid);
  const since = performance.now();
  await sleep(systemClock, watchedSeconds * 1_000, signal);
  const used = processorMs(controllers.child.pid) - usedBefore;
  const elapsedMs = performance.now() - since;
  const noLeases = written(before, await writes(client, signal));

  const total = [...noLeases.values()].reduce((sum, one) => sum + one, 0);
  const which = [...noLeases].map(([resource, one]) => `${one} ${resource}`).join(', ');
  figure(`in ${watchedSeconds} s: Leases renewed`, nodes.renewals - renewals, '');
  figure('  other writes', total, `= 0 ${total === 0 ? '✓' : `✗ (${which})`}`);
  figure('  processor time of the controllers', used, 'ms');
  const share = used / elapsedMs;
  const percent = share * 100;
  figure(
    '  of one processor',
    percent,
    `% < ${targetShare * 100} ${share < targetShare ? '✓' : '✗'}`,
  );
}
