// `npm run bench rollout`: a Service of 1,000 instances on 200 hollow nodes, from its creation until it says that it is ready, against
// a bare client that creates, binds and reports the same number of Pods to the same server.
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
/** Pods under way at one time: as many as the service controller, the scheduler and the hollow nodes together have. */
const connections = 48;
const rounds = 5;
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

/** Prints instances per second of both, and the ratio. @param scale of nodes and instances, 1 for the full size */
export async function benchRollout(scale: number): Promise<void> {
  const nodeCount = Math.ceil(fullNodes * scale);
  const count = Math.ceil(fullInstances * scale);
  using _ = besideServers();
  await using cluster = await HollowCluster.start();
  // Before anybody watches. The first round of each only warms up.
  const bare: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const rate = await bareRate(cluster.kubeconfig, nodeCount, count);
    if (round > 0) bare.push(rate);
  }
  const ours: Rollout[] = [];
  const nodes = await cluster.nodes(nodeCount);
  {
    await using controllers = await cluster.controllers();
    for (let round = 0; round <= rounds; round += 1) {
      const figures = await rollout(cluster, nodes, controllers.child.pid, count);
      if (round > 0) ours.push(figures);
      // What was recorded about it is written first.
      await sleep(systemClock, 1_000, cluster.signal);
    }
  }
  const rate = median(ours.map(({ perSecond }) => perSecond));
  const floor = median(bare);
  figure(`${count} instances on ${nodeCount} nodes until Ready`, rate, 'per s');
  figure('  processor time of the controllers', median(ours.map((one) => one.processorMs)), 'ms');
  figure(`floor: create, bind, status; ${connections} connections`, floor, 'per s');
  verdict('rollout ÷ floor', rate / floor, '≥ 0.7', rate / floor >= 0.7);
}
