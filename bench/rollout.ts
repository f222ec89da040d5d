// `npm run bench rollout`: a Service of 1,000 instances on 200 hollow nodes, from its creation until it says that it is ready, against
// a bare client that creates, binds and reports the same number of Pods to a server like it, which nobody watches. Both take turns: the
// speed of a machine drifts by more in a minute than the two differ.
import { sleep, systemClock } from '#platform/clock.ts';
import { container, HollowCluster, processorMs } from './hollow-cluster.ts';
import type { HollowNodes } from './hollow-nodes.ts';
import { runningStatus } from './hollow-nodes.ts';
import { endpointOf } from './kubeconfig.ts';
import { connect, exchange, request } from './raw-client.ts';
import { besideServers } from './processes.ts';
import { figure, median, verdict } from './report.ts';

const fullNodes = 200;
const fullInstances = 1_000;
/** Pods under way at one time: with half as many, and with twice as many, the floor was slower. */
const connections = 96;
/** Rounds that only warm up, of both. */
const warmUps = 2;
const rounds = 9;
const pods = '/api/v1/namespaces/default/pods';

async function expect(
  socket: Awaited<ReturnType<typeof connect>>,
  message: Buffer,
  status: number,
): Promise<void> {
  const answer = await exchange(socket, message, true);
  if (answer.status !== status)
    throw new Error(`answered ${answer.status}, expected ${status}: ${answer.body.toString()}`);
}

/** Pods per second. */
async function bareRate(kubeconfig: string, nodes: number, count: number): Promise<number> {
  const sockets = await Promise.all(
    Array.from({ length: connections }, () => connect(endpointOf(kubeconfig))),
  );
  let next = 0;
  const each = (play: (socket: (typeof sockets)[0], index: number) => Promise<void>) => {
    next = 0;
    return Promise.all(
      sockets.map(async (socket) => {
        for (let index = next++; index < count; index = next++) await play(socket, index);
      }),
    );
  };
  const began = performance.now();
  await each(async (socket, index) => {
    const name = `bare-${index}`;
    const node = `n${String(index % nodes).padStart(4, '0')}`;
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        labels: { 'windlass.dev/service': 'bare', 'windlass.dev/revision': 'one' },
      },
      spec: { containers: [container], affinity: pinnedTo(node) },
    };
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    };
    const status = { status: runningStatus([container]) };
    await expect(socket, request('POST', pods, JSON.stringify(pod)), 201);
    await expect(socket, request('POST', `${pods}/${name}/binding`, JSON.stringify(binding)), 201);
    await expect(socket, mergePatch(`${pods}/${name}/status`, status), 200);
  });
  const perSecond = count / ((performance.now() - began) / 1_000);
  const now = JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 });
  await each((socket, index) =>
    expect(socket, request('DELETE', `${pods}/bare-${index}`, now), 200),
  );
  for (const socket of sockets) socket.destroy();
  return perSecond;
}

function mergePatch(path: string, patch: object): Buffer {
  const message = request('PATCH', path, JSON.stringify(patch)).toString();
  return Buffer.from(
    message.replace(
      'application/json\r\nContent-Length',
      'application/merge-patch+json\r\nContent-Length',
    ),
  );
}

/** As the service controller pins an instance. */
function pinnedTo(node: string): object {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  const terms = { nodeSelectorTerms: [{ matchFields }] };
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } };
}

interface Rollout {
  readonly perSecond: number;
  readonly processorMs: number;
}

async function rollout(
  cluster: HollowCluster,
  nodes: HollowNodes,
  pid: number | undefined,
  count: number,
): Promise<Rollout> {
  const usedBefore = processorMs(pid);
  const began = performance.now();
  await cluster.createService('web', count);
  await cluster.serviceReady('web', count);
  const seconds = (performance.now() - began) / 1_000;
  const used = processorMs(pid) - usedBefore;
  await cluster.deleteService('web', nodes);
  return { perSecond: count / seconds, processorMs: used };
}

/** Prints instances per second of both, and the median of the rounds' ratios. @param scale of nodes and instances, 1 for the full size */
export async function benchRollout(scale: number): Promise<void> {
  const nodeCount = Math.ceil(fullNodes * scale);
  const count = Math.ceil(fullInstances * scale);
  using _ = besideServers();
  await using unwatched = await HollowCluster.start();
  await using cluster = await HollowCluster.start();
  const nodes = await cluster.nodes(nodeCount);
  await using controllers = await cluster.controllers();
  const bare: number[] = [];
  const ours: Rollout[] = [];
  for (let round = -warmUps; round < rounds; round += 1) {
    const floor = await bareRate(unwatched.kubeconfig, nodeCount, count);
    const figures = await rollout(cluster, nodes, controllers.child.pid, count);
    if (round >= 0) {
      bare.push(floor);
      ours.push(figures);
    }
    // What was recorded about it is written first.
    await sleep(systemClock, 1_000, cluster.signal);
  }
  const ratios = ours.map(({ perSecond }, round) => perSecond / (bare[round] ?? NaN));
  const ratio = median(ratios);
  const rate = median(ours.map(({ perSecond }) => perSecond));
  const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)} in ${rounds} rounds`;
  figure(`${count} instances on ${nodeCount} nodes until Ready`, rate, 'per s');
  figure('  processor time of the controllers', median(ours.map((one) => one.processorMs)), 'ms');
  figure(`floor: create, bind, status; ${connections} connections`, median(bare), 'per s');
  verdict(`rollout ÷ floor (${spread})`, ratio, '≥ 0.7', ratio >= 0.7);
}
