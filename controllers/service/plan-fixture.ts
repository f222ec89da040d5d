// Short ways to write planner inputs in tests.
import type { NodeFacts } from '../machinery/node-fit.ts';
import type { Instance } from './instance.ts';
import type { PlanInput, RevisionFacts } from './plan-types.ts';
import type { Settings } from './settings.ts';
import type { PodTemplate } from './types.ts';

/** Some time later than the epoch, in milliseconds. */
export const NOW = 1_000_000_000;

export function template(image: string): PodTemplate {
  return { spec: { containers: [{ name: 'c', image }] } };
}

export function revision(hash: string, change: Partial<RevisionFacts> = {}): RevisionFacts {
  return { hash, template: template(hash), activatedAt: NOW, failure: undefined, ...change };
}

export function node(name: string, change: Partial<NodeFacts> = {}): NodeFacts {
  return { name, labels: {}, ready: true, unschedulable: false, taints: [], ...change };
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
    terminating: false,
    ended: false,
    orphaned: false,
    reachable: true,
    bound: true,
    trouble: '',
    replaces: undefined,
    probed: true,
    hostPorts: [],
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
    revisionHistoryLimit: 10,
    ...change,
  };
}

export function input(change: Partial<PlanInput> = {}): PlanInput {
  const target = change.target ?? revision('v1');
  return {
    settings: settings(),
    target,
    current: target,
    templates: new Map(['v1', 'v2', 'v3'].map((hash) => [hash, template(hash)])),
    instances: [],
    nodes: [node('n1'), node('n2')],
    now: NOW,
    watchingSince: 0,
    ...change,
  };
}
