// By which labels the nodes of a cluster are known. Only whole labels count: a name, or a part of one, says nothing about whose
// something is. Pure.
import { InvalidRequest, UnknownLabelScheme } from './errors.ts';
import type { ClusterIdentity, NodeRequest } from './provider.ts';

export type Labels = Readonly<Record<string, string>>;

export const LABELS = {
  cluster: 'windlass.dev/cluster',
  clusterUID: 'windlass.dev/cluster-uid',
  pool: 'windlass.dev/pool',
  role: 'windlass.dev/role',
  machineUID: 'windlass.dev/machine-uid',
  /** On what belongs to a cluster and is no node: `network`, `volume`, … */
  resource: 'windlass.dev/resource',
} as const;

/** What labels say about a node. */
export interface LabelledNode {
  readonly clusterName: string;
  readonly role: string;
  readonly clusterUID?: string;
  readonly machineUID?: string;
  readonly pool?: string;
}

export interface LabelScheme {
  readonly name: string;
  /** Whether clusters of it are made by others. */
  readonly isForeign: boolean;
  /** A label that every node has, for filters of the other side. */
  readonly key: string;
  /** Undefined for what is no node of any cluster: helpers, load balancers, what has only some of the labels. */
  nodeOf(labels: Labels): LabelledNode | undefined;
}

const windlass: LabelScheme = {
  name: 'windlass',
  isForeign: false,
  key: LABELS.machineUID,
  nodeOf(labels) {
    const clusterName = present(labels, LABELS.cluster);
    const clusterUID = present(labels, LABELS.clusterUID);
    const pool = present(labels, LABELS.pool);
    const role = roleFromLabel(present(labels, LABELS.role));
    const machineUID = present(labels, LABELS.machineUID);
    if (clusterName === undefined || clusterUID === undefined || pool === undefined)
      return undefined;
    if (role === undefined || machineUID === undefined) return undefined;
    return { clusterName, clusterUID, pool, role, machineUID };
  },
};

function foreign(
  name: string,
  keys: { readonly cluster: string; readonly role: string },
  roles: Readonly<Record<string, string>>,
  also: Labels = {},
): LabelScheme {
  return {
    name,
    isForeign: true,
    key: keys.cluster,
    nodeOf(labels) {
      const clusterName = present(labels, keys.cluster);
      const word = present(labels, keys.role);
      const role = word !== undefined && Object.hasOwn(roles, word) ? roles[word] : undefined;
      const isWhole = Object.entries(also).every(([key, value]) => labels[key] === value);
      return clusterName === undefined || role === undefined || !isWhole
        ? undefined
        : { clusterName, role };
    },
  };
}

const SCHEMES: Readonly<Record<string, LabelScheme>> = {
  windlass,
  kind: foreign(
    'kind',
    { cluster: 'io.x-k8s.kind.cluster', role: 'io.x-k8s.kind.role' },
    { 'control-plane': 'control-plane', worker: 'worker' },
  ),
  k3d: foreign(
    'k3d',
    { cluster: 'k3d.cluster', role: 'k3d.role' },
    { server: 'control-plane', agent: 'worker' },
    { app: 'k3d' },
  ),
  talos: foreign(
    'talos',
    { cluster: 'talos.cluster.name', role: 'talos.type' },
    {
      controlplane: 'control-plane',
      'control-plane': 'control-plane',
      init: 'control-plane',
      worker: 'worker',
    },
    { 'talos.owned': 'true' },
  ),
};

export const labelSchemeNames: readonly string[] = Object.keys(SCHEMES);

/** @throws UnknownLabelScheme */
export function labelSchemeOf(name: string): LabelScheme {
  const scheme = Object.hasOwn(SCHEMES, name) ? SCHEMES[name] : undefined;
  if (scheme === undefined) throw new UnknownLabelScheme(name, labelSchemeNames);
  return scheme;
}

/** A value that every system takes as a label: at most 63 of letters, digits, `-`, `_`, `.`; these not at the ends. */
const LABEL_VALUE = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** All five labels of a node of ours. @throws InvalidRequest naming the value that cannot be a label */
export function nodeLabels(
  cluster: ClusterIdentity,
  node: Pick<NodeRequest, 'pool' | 'role' | 'machineUID'>,
): Labels {
  return checked({
    [LABELS.cluster]: cluster.name,
    [LABELS.clusterUID]: cluster.uid,
    [LABELS.pool]: node.pool,
    [LABELS.role]: roleToLabel(node.role),
    [LABELS.machineUID]: node.machineUID,
  });
}

/** Labels of a network, volume or the like of a cluster of ours. @throws InvalidRequest as nodeLabels */
export function resourceLabels(cluster: ClusterIdentity, resource: string): Labels {
  return checked({
    [LABELS.cluster]: cluster.name,
    [LABELS.clusterUID]: cluster.uid,
    [LABELS.resource]: resource,
  });
}

/** Whether something carries exactly what `resourceLabels` gives. */
export function isResourceOf(labels: Labels, cluster: ClusterIdentity, resource: string): boolean {
  return (
    labels[LABELS.cluster] === cluster.name &&
    labels[LABELS.clusterUID] === cluster.uid &&
    labels[LABELS.resource] === resource
  );
}

/** `+` may not be in a label. */
export function roleToLabel(role: string): string {
  return role.replaceAll('+', '.');
}

export function roleFromLabel(value: string | undefined): string | undefined {
  return value?.replaceAll('.', '+');
}

function checked(labels: Labels): Labels {
  for (const [key, value] of Object.entries(labels))
    if (!LABEL_VALUE.test(value))
      throw new InvalidRequest(
        `label ${key}: ${JSON.stringify(value)} cannot be a label: use at most 63 letters, digits, -, _ and .`,
      );
  return labels;
}

/** Own and not empty. */
function present(labels: Labels, key: string): string | undefined {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  return value === '' ? undefined : value;
}
