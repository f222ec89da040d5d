// Cases about what really happens: the service controller against a real server, with nodes whose containers do what the case says.
import { awaitRollout } from '#cli/deploy/await-rollout.ts';
import { createProgress } from '#cli/progress.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import type { CacheChange } from '#controllers/machinery/cache.ts';
import { Informer } from '#controllers/machinery/informer.ts';
import { CONTROLLER_REVISIONS, PODS, SERVICES } from '#controllers/machinery/resources.ts';
import { parseDuration } from '#controllers/machinery/duration.ts';
import { SERVICE_LABEL } from '#controllers/service/types.ts';
import type { Service } from '#controllers/service/types.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { resolveSpec } from '#cli/spec/resolve-spec.ts';
import { TestControlPlane } from '#test/support/control-plane.ts';
import { eventually } from '#test/support/eventually.ts';
import { SimulatedNodes } from '#test/support/simulated-nodes.ts';
import type { Fate, TestPod } from '#test/support/simulated-nodes.ts';
import { behaviourOf } from './behaviour.ts';
import type { Outcome } from './outcome.ts';
import { RunTrace } from './run-trace.ts';
import { flagOption, specOf } from './service-case.ts';
import type { Expected, ServiceCase } from './service-case.ts';
import { NAMESPACE, RANDOM, serviceFor, worldOf } from './world.ts';
import type { CaseWorld } from './world.ts';

/** What a failure may take: the monitor period has passed, and then a moment more. */
const PATIENCE_MS = 1_500;
/** Where a case says nothing, so that it does not take long. */
const USUAL_MONITOR = '1s';
/** Cases say nothing of it; what only waits, waits this long. */
const LONGEST_MS = 60_000;

export async function playRun(one: ServiceCase): Promise<Outcome> {
  const endings: (() => unknown)[] = [];
  try {
    return await played(one, { after: (ending) => void endings.push(ending as () => unknown) });
  } finally {
    for (const ending of endings) await ending();
  }
}

type Endings = Parameters<typeof TestControlPlane.start>[0];

async function played(one: ServiceCase, t: Endings): Promise<Outcome> {
  const spec = specOf(one);
  const { name } = resolveSpec(spec, { clusterDomain: undefined, random: RANDOM });
  // What cannot be made is refused before anything is started.
  const service = serviceFor({ ...spec, name }, one.initial.machines);
  const after = withDeadline(service, isUnwatched(one));
  const world = worldOf(one.initial, name);
  const plane = await TestControlPlane.start(t);
  const before = world.services.find(({ metadata }) => metadata.name === name);
  const initial = new Set(one.initial.containers.map(({ id }) => id));
  const created = await makeWorld(plane, world, before ?? after);
  // After what is there has its status: else they would say it once more, and an instance would have been ready for a moment only.
  const nodes = new SimulatedNodes(plane.client, plane.signal, (pod) => fateOf(pod, one, initial));
  // What is down is as if it were not there.
  for (const { metadata, spec: node } of world.nodes)
    if (!('taints' in node)) await nodes.add(metadata.name, metadata.labels);
  const trace = await traced(plane, created);
  // Nodes that send no Leases would be called silent.
  const stop = await plane.controllers(['service', 'scheduler', 'garbage-collector']);
  try {
    const wanted = before === undefined ? created.service : await changed(plane, after);
    const awaited = { namespace: NAMESPACE, name, generation: wanted.metadata.generation ?? 1 };
    const end = await awaitRollout(
      awaited,
      {
        client: plane.client,
        logLines: 0,
        clock: systemClock,
        random: Math.random,
        progress: createProgress(() => undefined, undefined),
      },
      AbortSignal.any([plane.signal, AbortSignal.timeout(LONGEST_MS)]),
    );
    const last: Expected =
      end.state === 'ready'
        ? { op: 'success' }
        : { op: 'error', contains: end.state === 'failed' ? end.message : end.state };
    await settled(nodes, one, end.state === 'ready');
    return { operations: [...trace.operations(one.expected), last] };
  } finally {
    await stop();
  }
}

export function isUnwatched(one: ServiceCase): boolean {
  return flagOption(one, 'skipHealth') || flagOption(one, 'skipHealthMonitor');
}

/** uncloud waits for the monitor period and for retries of a health check; we for a deadline, which cases do not know. */
function withDeadline(service: Service, skipsHealth: boolean): Service {
  const { updateStrategy = {} } = service.spec;
  const monitorPeriod = skipsHealth ? '0s' : (updateStrategy.monitorPeriod ?? USUAL_MONITOR);
  const monitorMs = parseDuration(monitorPeriod) ?? 0;
  const progressDeadline = `${monitorMs + PATIENCE_MS}ms`;
  return {
    ...service,
    spec: {
      ...service.spec,
      updateStrategy: { ...updateStrategy, monitorPeriod, progressDeadline },
    },
  };
}

function fateOf(pod: TestPod, one: ServiceCase, initial: ReadonlySet<string>): Fate {
  const { instance, hook } = behaviourOf(one.behaviour);
  if (pod.metadata.labels?.['windlass.dev/hook'] !== undefined) return hook;
  const isOld = initial.has(pod.metadata.name) || isOldImage(pod, one);
  return isOld ? 'serves' : instance;
}

/** An instance of the former spec that is made again. */
function isOldImage(pod: TestPod, one: ServiceCase): boolean {
  const image = pod.spec.containers[0]?.image;
  return (
    image !== specOf(one).container.image &&
    one.initial.containers.some(({ spec }) => spec.container.image === image)
  );
}

interface Created {
  readonly service: Service;
  readonly pods: readonly TestPod[];
}

/** Creates all of the world; the server gives the service its uid, which what it owns must carry. */
async function makeWorld(
  { client, signal }: TestControlPlane,
  world: CaseWorld,
  first: Service,
): Promise<Created> {
  const service = await client.create<Service>(SERVICES, NAMESPACE, bare(first), signal);
  const owned = (object: ApiObject): object => ({
    ...object,
    metadata: {
      ...bare(object).metadata,
      ownerReferences: (object.metadata.ownerReferences ?? []).map((owner) => ({
        ...owner,
        uid: service.metadata.uid,
      })),
    },
  });
  for (const revision of world.revisions)
    await client.create(CONTROLLER_REVISIONS, NAMESPACE, owned(revision), signal);
  const pods: TestPod[] = [];
  for (const pod of world.pods) {
    const made = await client.create<TestPod>(PODS, NAMESPACE, owned(pod), signal);
    const status = { status: pod.status ?? {} };
    const { name } = made.metadata;
    await client.patch(PODS, NAMESPACE, name, 'status', 'merge', status, signal);
    pods.push(made);
  }
  if (first.status !== undefined) {
    const status = { status: first.status };
    const { name } = first.metadata;
    await client.patch(SERVICES, NAMESPACE, name, 'status', 'merge', status, signal);
  }
  return { service, pods };
}

/** Without what only a server gives. */
function bare({ metadata, ...rest }: ApiObject): { readonly metadata: object } {
  const { name, labels = {}, annotations = {} } = metadata;
  const { status: _, ...object } = rest as { readonly status?: unknown };
  return { ...object, metadata: { name, labels, annotations } };
}

async function changed({ client, signal }: TestControlPlane, after: Service): Promise<Service> {
  const { name } = after.metadata;
  const current = await client.get<Service>(SERVICES, NAMESPACE, name, signal);
  const object = { ...current, spec: after.spec };
  return client.update<Service>(SERVICES, object, '', signal);
}

const CLAIMS = {
  group: '',
  version: 'v1',
  resource: 'persistentvolumeclaims',
  kind: 'PersistentVolumeClaim',
  namespaced: true,
};

async function traced({ client, signal }: TestControlPlane, { pods }: Created): Promise<RunTrace> {
  const trace = new RunTrace(pods);
  const shared = { client, clock: systemClock, logger: silentLogger, random: Math.random };
  const podInformer = new Informer<TestPod>({
    ...shared,
    resource: PODS,
    selectors: { namespace: NAMESPACE, labelSelector: SERVICE_LABEL },
  });
  podInformer.onChange((change: CacheChange<TestPod>) => trace.pod(change));
  const claimInformer = new Informer<ApiObject>({
    ...shared,
    resource: CLAIMS,
    selectors: { namespace: NAMESPACE },
  });
  claimInformer.onChange((change: CacheChange<ApiObject>) => trace.claim(change));
  void podInformer.run(signal);
  void claimInformer.run(signal);
  await podInformer.synced(signal);
  await claimInformer.synced(signal);
  return trace;
}

/** A failed rollout has ended when as many instances serve as before; the old ones may be on their way back. */
async function settled(nodes: SimulatedNodes, one: ServiceCase, isReady: boolean): Promise<void> {
  if (isReady) return;
  const before = one.initial.containers.filter(
    ({ hook, state }) => hook === undefined && state === 'running',
  ).length;
  await eventually('the old instances are back', () => {
    if (nodes.serving.length < before || nodes.pods.length > nodes.alive.length)
      throw new Error(`${nodes.serving.length} of ${before} serve`);
  }).catch(() => undefined);
}
