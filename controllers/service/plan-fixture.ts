// Short ways to write planner inputs in tests.
import type { NodeFacts } from '../machinery/node-fit.ts';
import type { Instance } from './instance.ts';
import type { Operation, PlanInput, RevisionFacts } from './plan-types.ts';
import type { Settings } from './settings.ts';
import type { PodTemplate } from './types.ts';

/** Some time later than the epoch, in milliseconds. */
export const NOW = 1_000_000_000;

export function template(image: string): PodTemplate {
  return { spec: { containers: [{ name: 'c', image }] } };
}

export function revision(hash: string, change: Partial<RevisionFacts> = {}): RevisionFacts {
  const rendered = change.template ?? template(hash);
  return {
    hash,
    data: { template: rendered },
    digests: new Map(),
    template: rendered,
    activatedAt: NOW,
    failure: undefined,
    hookResults: { preDeploy: undefined, postDeploy: undefined },
    switchedAt: undefined,
    ...change,
  };
}

export function node(name: string, change: Partial<NodeFacts> = {}): NodeFacts {
  return {
    name,
    labels: {},
    ready: true,
    unschedulable: false,
    taints: [],
    resizable: true,
    ...change,
  };
}

/** Ready for an hour, unless told otherwise. */
export function instance(name: string, change: Partial<Instance> = {}): Instance {
  return {
    name,
    uid: `uid-${name}`,
    node: 'n1',
    revision: 'v1',
    createdAt: NOW - 3_600_000,
    readySince: NOW - 3_600_000,
    silentSince: undefined,
    terminating: false,
    ended: false,
    orphaned: false,
    reachable: true,
    bound: true,
    trouble: '',
    replaces: undefined,
    probed: true,
    hostPorts: [],
    crashLooping: false,
    declined: undefined,
    resources: {},
    resize: 'done',
    resizable: true,
    resizeRefused: undefined,
    ...change,
  };
}

export function settings(change: Partial<Settings> = {}): Settings {
  return {
    mode: 'Replicated',
    replicas: 3,
    paused: false,
    type: 'Rolling',
    order: 'Auto',
    maxParallel: 1,
    delayMs: 0,
    monitorMs: 5_000,
    progressDeadlineMs: 60_000,
    failureAction: 'Pause',
    maxFailureRatio: 0,
    placementNodes: [],
    canarySteps: [{ count: { instances: 1 }, pauseMs: undefined }],
    autoPromote: true,
    keepMs: 0,
    hooks: { preDeploy: undefined, postDeploy: undefined },
    revisionHistoryLimit: 10,
    ...change,
  };
}

export function input(change: Partial<PlanInput> = {}): PlanInput {
  const target = change.target ?? revision('v1');
  return {
    service: 'web',
    settings: settings(),
    target,
    current: target,
    revisions: new Map(['v1', 'v2', 'v3'].map((hash) => [hash, revision(hash)])),
    instances: [],
    hooks: [],
    claims: [],
    volumePeers: [],
    activeRevision: undefined,
    promoted: undefined,
    aborted: undefined,
    waitsFor: [],
    nodes: [node('n1'), node('n2')],
    now: NOW,
    watchingSince: 0,
    ...change,
  };
}

/** `run n1 create`, `replace a start-first delete`, `remove b wait`. */
export function brief(operation: Operation): string {
  switch (operation.op) {
    case 'run':
      return `run ${operation.node || '-'} ${operation.state === 'Done' ? 'done' : operation.step}`;
    case 'replace':
      return `replace ${operation.pod} ${operation.order} ${operation.step}`;
    case 'createVolume':
      return `createVolume ${operation.create.claimName} ${operation.node}`;
    case 'runPreDeploy':
    case 'runPostDeploy':
      return `${operation.op} ${operation.node || '-'} ${operation.step}`;
    case 'switch':
    case 'promote':
      return `${operation.op} ${operation.step} ${operation.state}`;
    default:
      return `${operation.op} ${operation.pod} ${operation.step}`;
  }
}

/** Three ready instances on two nodes, the oldest first. */
export const trio: readonly Instance[] = [
  instance('a', { node: 'n1', createdAt: 1 }),
  instance('b', { node: 'n2', createdAt: 2 }),
  instance('c', { node: 'n1', createdAt: 3 }),
];
