// What a plan is made from: a Cluster, the Machines and the Nodes there are. The same for the controller and for previews. Pure.
import { distributionOf } from './distributions/table.ts';
import { hashRevision } from './hash-plan.ts';
import { isOwnMachine, observeMachine } from './observed.ts';
import type { NodeView } from './observed.ts';
import type { PlanInput } from './plan-types.ts';
import type { ClusterSettings } from './settings.ts';
import { targetsOf } from './targets.ts';
import type { Cluster, Machine } from './types.ts';
import { wantedMachines } from './wanted-machines.ts';

/** What there is besides the cluster itself. */
export interface Surroundings {
  /** Machines of its namespace. */
  readonly machines: readonly Machine[];
  readonly nodes: (name: string) => NodeView | undefined;
}

export function planInput(
  cluster: Cluster,
  settings: ClusterSettings,
  { machines, nodes }: Surroundings,
): PlanInput {
  const own = machines.filter((machine) => isOwnMachine(machine, cluster));
  const wanted = wantedMachines(cluster, settings);
  const observed = own.map((machine) => observeMachine(machine, nodes(nodeName(machine))));
  const names = new Set(own.map(({ metadata }) => metadata.name));
  const others = new Set(machines.map(({ metadata }) => metadata.name));
  return {
    settings,
    rules: distributionOf(settings.distribution).rules,
    wanted,
    observed,
    foreign: wanted.flatMap(({ name }) => (others.has(name) && !names.has(name) ? [name] : [])),
    notes: new Map(),
    targets: targetsOf(cluster, settings, wanted, observed),
    revision: hashRevision(cluster, settings),
    status: cluster.status ?? {},
    isApiReady: true,
  };
}

function nodeName({ metadata, status }: Machine): string {
  return status?.nodeRef?.name ?? metadata.name;
}
