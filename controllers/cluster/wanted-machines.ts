// The Machines that a Cluster's pools describe: names and specs. Pure.
import { safeHash } from '../machinery/safe-hash.ts';
import type { ClusterSettings } from './settings.ts';
import type { Cluster, MachineTemplate, Role } from './types.ts';

export interface WantedMachine {
  readonly name: string;
  readonly pool: string;
  readonly role: Role;
  /** Spec of the Machine without version and powerState, which change in their own time. */
  readonly spec: MachineTemplate;
}

const NUMBER = /^(.*)-([0-9]+)$/;

/** In the order of the pools, controllers first, as they are created. */
export function wantedMachines(
  cluster: Cluster,
  settings: ClusterSettings,
): readonly WantedMachine[] {
  const kept = new Set(settings.reset.machines);
  const all = settings.pools.flatMap((pool): readonly WantedMachine[] => {
    const template = withoutDecided(pool.template ?? {});
    const members =
      pool.hosts === undefined
        ? Array.from({ length: pool.replicas ?? 0 }, (_, index) => ({
            name: `${cluster.metadata.name}-${pool.name}-${index}`,
            own: {},
          }))
        : pool.hosts.map((host) => ({
            name: `${cluster.metadata.name}-${host.name}`,
            own: host.connection === undefined ? {} : { connection: host.connection },
          }));
    return members.map(({ name, own }) => ({
      name,
      pool: pool.name,
      role: pool.role,
      spec: {
        ...(cluster.spec.providerRef === undefined || pool.hosts !== undefined
          ? {}
          : { providerRef: cluster.spec.providerRef }),
        ...template,
        ...own,
        role: pool.role,
        clusterRef: { name: cluster.metadata.name },
      },
    }));
  });
  return [
    ...all.filter(({ role }) => isController(role)),
    ...all.filter(({ role }) => !isController(role)),
  ].filter(({ name }) => !kept.has(name));
}

export function isController(role: Role | undefined): boolean {
  return role === 'controller' || role === 'controller+worker';
}

/** Hash of what a machine becomes: its spec, the version and the arguments of the distribution. */
export function targetHash(
  wanted: WantedMachine,
  version: string | undefined,
  distributionOptions: unknown,
): string {
  return safeHash(canonical([wanted.spec, version ?? '', distributionOptions ?? {}]), 12);
}

/** Text that is the same for equal values, whatever order their fields came in. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, child: unknown) =>
    typeof child === 'object' && child !== null && !Array.isArray(child)
      ? Object.fromEntries(Object.entries(child).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : child,
  );
}

/** By number where names end in one: `a-2` before `a-10`. */
export function byMachineName(left: { readonly name: string }, right: { readonly name: string }) {
  const [, leftStem = left.name, leftNumber = '-1'] = NUMBER.exec(left.name) ?? [];
  const [, rightStem = right.name, rightNumber = '-1'] = NUMBER.exec(right.name) ?? [];
  if (leftStem !== rightStem) return leftStem < rightStem ? -1 : 1;
  return Number(leftNumber) - Number(rightNumber);
}

const DECIDED = ['role', 'version', 'clusterRef', 'powerState'];

function withoutDecided(template: MachineTemplate): MachineTemplate {
  return Object.fromEntries(Object.entries(template).filter(([field]) => !DECIDED.includes(field)));
}
