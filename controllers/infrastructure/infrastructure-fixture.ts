// Nodes, clusters and providers for the tests of this folder.
import { FakeClock } from '../machinery/machinery-fixture.ts';
import { DEFAULT_LIMITS } from './each-node.ts';
import type { NodeLimits } from './each-node.ts';
import { nodeLabels } from './label-scheme.ts';
import type { Labels } from './label-scheme.ts';
import { LabelledProvider } from './labelled-provider.ts';
import type { ClusterIdentity, NodeInfo, NodeRequest } from './provider.ts';
import { SimWorld } from './sim/sim-world.ts';

export const never = new AbortController().signal;

export function clusterOf(name: string): ClusterIdentity {
  return { name, uid: `uid-of-${name}` };
}

export function request(
  cluster: string,
  number: number,
  change: Partial<NodeRequest> = {},
): NodeRequest {
  return {
    name: `${cluster}-${number}`,
    machineUID: `machine-${cluster}-${number}`,
    pool: 'main',
    role: 'worker',
    ...change,
  };
}

export function labelsOf(cluster: string, number: number): Labels {
  return nodeLabels(clusterOf(cluster), request(cluster, number));
}

export function nodeInfo(name: string, state: string, clusterName = 'dev'): NodeInfo {
  return { name, clusterName, role: 'worker', state, isOwned: true };
}

export interface Sim {
  readonly world: SimWorld;
  readonly clock: FakeClock;
  readonly provider: LabelledProvider;
}

export function simulated(
  options: {
    readonly limits?: Partial<NodeLimits>;
    readonly labelScheme?: string;
    readonly adoptedClusters?: readonly string[];
  } = {},
): Sim {
  const world = new SimWorld();
  const clock = new FakeClock();
  const provider = new LabelledProvider({
    driver: world,
    clock,
    labelScheme: options.labelScheme ?? 'windlass',
    adoptedClusters: options.adoptedClusters ?? [],
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  });
  return { world, clock, provider };
}
