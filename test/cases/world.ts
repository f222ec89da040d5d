// The cluster that a case describes, as objects of the API: Nodes, Pods with their ControllerRevisions, PersistentVolumeClaims. Pods
// and revisions are made by the service controller's own code; what a server and an agent would add is added here.
import { parsePort } from '#cli/run/port-text.ts';
import { serviceOfSpec } from '#cli/spec/service-of-spec.ts';
import type { NeutralSpec } from '#cli/spec/neutral-spec.ts';
import type { Pod as AgentPod } from '#controllers/agent/pod.ts';
import { timestamp } from '#controllers/machinery/timestamps.ts';
import { buildPod } from '#controllers/service/build-pod.ts';
import type { Pod } from '#controllers/service/instance.ts';
import { claimFacts } from '#controllers/service/claims.ts';
import type { Claim, ClaimFacts } from '#controllers/service/claims.ts';
import { revisionChange, revisionFacts } from '#controllers/service/revision.ts';
import type { ControllerRevision } from '#controllers/service/revision.ts';
import type { Service } from '#controllers/service/types.ts';
import { engineState, statusOf } from './pod-state.ts';
import { ShapeError } from './shape.ts';
import type { CaseContainer, Initial, Machine } from './service-case.ts';

export const NAMESPACE = 'default';
/** Long after everything in the world began. */
export const NOW = Date.parse('2026-01-02T00:00:00Z');
const BEGINNING = Date.parse('2026-01-01T00:00:00Z');
const STEP_MS = 60_000;
/** Whatever a file says. */
const MOST_REPLICAS = 10_000;
/** An unnamed service is made of its image and these. */
export const RANDOM = 'x1y2';

export interface CaseWorld {
  readonly nodes: readonly NodeManifest[];
  readonly pods: readonly Pod[];
  readonly revisions: readonly ControllerRevision[];
  readonly claims: readonly Claim[];
  /** As they were when their newest container was made. */
  readonly services: readonly Service[];
  readonly secretVersions: ReadonlyMap<string, string>;
}

export type NodeManifest = ReturnType<typeof nodeOf>;

export function worldOf(initial: Initial, fallbackName: string): CaseWorld {
  const machines = new Set(initial.machines.map(({ id }) => id));
  for (const [index, { machine }] of initial.containers.entries())
    if (!machines.has(machine))
      throw new ShapeError(
        `initial.containers[${index}].machine`,
        'the id of one of initial.machines',
        machine,
      );
  const containers = initial.containers.map((container, index) => ({
    container,
    name: container.service ?? container.spec.name ?? fallbackName,
    // Newest first.
    createdAt: BEGINNING + (initial.containers.length - index) * STEP_MS,
  }));
  const claims = initial.volumes.map((volume, _index, all) =>
    claimOf(volume, all.filter(({ name }) => name === volume.name).length > 1),
  );
  const known = claims.map(claimFacts);
  const revisions = new Map<string, ControllerRevision>();
  const services = new Map<string, Service>();
  const pods: Pod[] = [];
  // Oldest first: revisions count up.
  for (const { container, name, createdAt } of containers.toReversed()) {
    const service = serviceFor(namedSpec(container.spec, name), initial.machines);
    services.set(name, service);
    const revision = revisionFor(service, revisions, createdAt);
    pods.push(podOf(container, service, revision, known, createdAt));
  }
  return {
    nodes: initial.machines.map(nodeOf),
    pods: pods.toReversed(),
    revisions: [...revisions.values()],
    claims,
    services: [...services.values()].map((service) => withStatus(service, pods)),
    secretVersions: new Map(),
  };
}

/** Ports of a Pod are numbers: what no port can be made of, no instance can have. */
function namedSpec(spec: NeutralSpec, name: string): NeutralSpec {
  return { ...spec, name, ports: (spec.ports ?? []).filter(isPort) };
}

export function isPort(text: string): boolean {
  try {
    return parsePort(text).containerPort > 0;
  } catch {
    return false;
  }
}

/** The Service of ours for a spec: placed by the names that Nodes have here, the ids of machines. */
export function serviceFor(spec: NeutralSpec, machines: readonly Machine[]): Service {
  if ((spec.replicas ?? 0) > MOST_REPLICAS)
    throw new ShapeError(
      'spec.replicas',
      `at most the ${MOST_REPLICAS} that are played`,
      spec.replicas,
    );
  const manifest = serviceOfSpec(withNodeNames(spec, machines), NAMESPACE);
  const { name, namespace } = manifest.metadata;
  return {
    ...manifest,
    metadata: {
      name,
      namespace,
      uid: uidOf(name),
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: timestamp(BEGINNING),
    },
  };
}

function uidOf(service: string): string {
  return `uid-of-${service}`;
}

function withNodeNames(spec: NeutralSpec, machines: readonly Machine[]): NeutralSpec {
  const wanted = spec.placement?.machines;
  if (wanted === undefined) return spec;
  const nodes = wanted.map(
    (word) => machines.find(({ id, name }) => id === word || name === word)?.id ?? word,
  );
  return { ...spec, placement: { machines: nodes } };
}

function revisionFor(
  service: Service,
  known: Map<string, ControllerRevision>,
  now: number,
): ControllerRevision {
  const own = [...known.values()].filter(({ metadata }) =>
    metadata.ownerReferences?.some(({ uid }) => uid === service.metadata.uid),
  );
  const change = revisionChange(service, own, now, new Map());
  if (change.change !== 'create') return change.revision;
  const made = {
    ...change.object,
    metadata: {
      ...change.object.metadata,
      namespace: NAMESPACE,
      uid: `uid-of-${change.object.metadata.name}`,
      resourceVersion: '1',
      creationTimestamp: timestamp(now),
    },
  } as ControllerRevision;
  known.set(made.metadata.name, made);
  return made;
}

function podOf(
  container: CaseContainer,
  service: Service,
  revision: ControllerRevision,
  claims: readonly ClaimFacts[],
  createdAt: number,
): Pod {
  const facts = revisionFacts(revision);
  if (facts === undefined) throw new Error(`revision of container ${container.id} has no template`);
  const built = buildPod({
    service,
    revision: facts,
    claims,
    declined: undefined,
    node: container.machine,
    replaces: undefined,
    name: container.id,
  }) as Pod;
  const hook = container.hook === undefined ? {} : hookLabel(container.hook);
  const pod = {
    ...built,
    metadata: {
      ...built.metadata,
      labels: { ...built.metadata.labels, ...hook },
      uid: `uid-of-pod-${container.id}`,
      resourceVersion: '1',
      creationTimestamp: timestamp(createdAt),
    },
    spec: {
      ...(built.spec as object),
      nodeName: container.machine,
      ...(container.hook === undefined ? {} : { restartPolicy: 'Never' }),
    },
  };
  const state = engineState(container.state);
  return {
    ...pod,
    status: statusOf(pod as unknown as AgentPod, state, createdAt),
  } as unknown as Pod;
}

function hookLabel(hook: string): Readonly<Record<string, string>> {
  return { 'windlass.dev/hook': hook === 'pre-deploy' ? 'preDeploy' : hook };
}

/** The oldest instance is of what was rolled out; newer ones are what a rollout in between has left. */
function withStatus(service: Service, pods: readonly Pod[]): Service {
  const own = pods.filter(
    ({ metadata }) =>
      metadata.labels?.['windlass.dev/service'] === service.metadata.name &&
      metadata.labels['windlass.dev/hook'] === undefined,
  );
  const currentRevision = own.at(0)?.metadata.labels?.['windlass.dev/revision'];
  return {
    ...service,
    status: currentRevision === undefined ? {} : { currentRevision, observedGeneration: 1 },
  };
}

function nodeOf({ id, name, state }: Machine) {
  // Machines that are suspected count; those that are down do not.
  const ready = state !== 'down';
  const allocatable = { cpu: '64', memory: '256Gi', pods: '1000' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: id,
      uid: `uid-of-node-${id}`,
      resourceVersion: '1',
      creationTimestamp: timestamp(BEGINNING),
      labels: { 'kubernetes.io/hostname': name },
    },
    spec: ready ? {} : { taints: AWAY },
    status: {
      allocatable,
      capacity: allocatable,
      conditions: [
        {
          type: 'Ready',
          status: ready ? 'True' : 'Unknown',
          lastTransitionTime: timestamp(BEGINNING),
        },
      ],
    },
  };
}

const AWAY = [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }];

export function claimOf(
  { machine, name, driver, options = {} }: Initial['volumes'][number],
  isElsewhereToo: boolean,
): Claim {
  const hasDriver = driver !== undefined || Object.keys(options).length > 0;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: isElsewhereToo ? `${name}-${machine}` : name,
      namespace: NAMESPACE,
      uid: `uid-of-claim-${name}-${machine}`,
      resourceVersion: '1',
      creationTimestamp: timestamp(BEGINNING),
      labels: { 'windlass.dev/volume': name },
      annotations: {
        'volume.kubernetes.io/selected-node': machine,
        ...(hasDriver
          ? { 'windlass.dev/volume-driver': JSON.stringify({ name: driver ?? 'local', options }) }
          : {}),
      },
    },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
}
