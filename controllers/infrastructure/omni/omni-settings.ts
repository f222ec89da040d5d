// The settings of an InfraProvider of type Omni, and what a cluster of it must have. Pure.
import { InvalidRequest } from '../errors.ts';
import type { ClusterIdentity, NodeRequest } from '../provider.ts';

export interface OmniSettings {
  /** `1.11.2`, or `latest`: the newest that Omni has and does not call deprecated. */
  readonly talosVersion: string;
  readonly kubernetesVersion: string;
  /** Ids of machines that may be taken, or any free one with the label. */
  readonly allocation: { readonly machines: readonly string[] } | { readonly label: string };
}

const KNOWN = ['talosVersion', 'kubernetesVersion', 'machines', 'machineLabel'];

/** @throws InvalidRequest naming the setting */
export function omniSettings(settings: Readonly<Record<string, string>>): OmniSettings {
  const unknown = Object.keys(settings).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined)
    throw new InvalidRequest(
      `settings.${unknown}: no such setting of type Omni: there are ${KNOWN.join(', ')}`,
    );
  const { talosVersion = '', kubernetesVersion = '', machines, machineLabel } = settings;
  if (!/^latest$|^v?\d+\.\d+\.\d+/.test(talosVersion))
    throw new InvalidRequest(
      `settings.talosVersion: ${JSON.stringify(talosVersion)} is no version; give one as 1.11.2, or latest`,
    );
  if (!/^v?\d+\.\d+\.\d+/.test(kubernetesVersion))
    throw new InvalidRequest(
      `settings.kubernetesVersion: ${JSON.stringify(kubernetesVersion)} is no version; give one as 1.34.1`,
    );
  if ((machines === undefined) === (machineLabel === undefined))
    throw new InvalidRequest(
      `settings: ${machines === undefined ? 'neither machines nor machineLabel is' : 'both machines and machineLabel are'} there; give one of them`,
    );
  const allocation =
    machineLabel === undefined
      ? { machines: (machines ?? '').split(',').map((id) => id.trim()) }
      : { label: machineLabel };
  return {
    talosVersion: bare(talosVersion),
    kubernetesVersion: bare(kubernetesVersion),
    allocation,
  };
}

/** What Omni would refuse later, said at once. @throws InvalidRequest */
export function checkCluster(
  cluster: ClusterIdentity,
  nodes: readonly NodeRequest[],
  hasControllers: boolean,
): void {
  if (!/^[a-z0-9A-Z][-a-z0-9A-Z_]*$/.test(cluster.name))
    throw new InvalidRequest(
      `cluster name ${JSON.stringify(cluster.name)}: use letters, digits, - and _`,
    );
  if (!hasControllers && !nodes.some(isController))
    throw new InvalidRequest(
      `cluster ${cluster.name}: 0 nodes have the role controller, and one at least is needed`,
    );
}

export function isController({ role }: Pick<NodeRequest, 'role'>): boolean {
  return role.startsWith('controller');
}

export interface TalosVersion {
  readonly version: string;
  readonly isDeprecated: boolean;
}

/** The newest that is neither deprecated nor a pre-release. @throws InvalidRequest when there is none */
export function latestTalosVersion(versions: readonly TalosVersion[]): string {
  const numbers = (version: string): readonly number[] => bare(version).split('.').map(Number);
  const [newest] = versions
    .filter(({ version, isDeprecated }) => !isDeprecated && /^v?\d+\.\d+\.\d+$/.test(version))
    .toSorted((a, b) => compare(numbers(b.version), numbers(a.version)));
  if (newest === undefined)
    throw new InvalidRequest(
      'settings.talosVersion: latest: Omni has no version that is not deprecated',
    );
  return bare(newest.version);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((number, place) => number !== b[place]);
  return index < 0 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}

function bare(version: string): string {
  return version.replace(/^v/, '');
}
