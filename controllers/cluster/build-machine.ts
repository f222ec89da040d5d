// Machines as they are written: a new one, and one that is given another template. Pure.
import {
  DISTRIBUTION_LABEL,
  PERMIT_ANNOTATION,
  TARGET_ANNOTATION,
} from '../machine/rollout-permit.ts';
import type { ClusterSettings } from './settings.ts';
import {
  APPLIED_ANNOTATION,
  CLUSTER_LABEL,
  CLUSTER_UID_LABEL,
  DRAIN_ANNOTATION,
  OPTIONS_ANNOTATION,
  POOL_LABEL,
  ROLE_LABEL,
} from './types.ts';
import type { Cluster, Machine, MachineSpec, MachineTemplate } from './types.ts';
import type { WantedMachine } from './wanted-machines.ts';

export interface MachineChange {
  readonly cluster: Cluster;
  readonly settings: ClusterSettings;
  readonly wanted: WantedMachine;
  readonly target: string;
  readonly version: string | undefined;
}

/** @param permit whether it may join at once */
export function newMachine(change: MachineChange, permit: boolean): object {
  const { cluster, wanted, target } = change;
  const { name, namespace = '', uid } = cluster.metadata;
  const isDriven = wanted.spec['rootfs'] === undefined;
  return {
    apiVersion: 'windlass.dev/v1alpha1',
    kind: 'Machine',
    metadata: {
      name: wanted.name,
      namespace,
      labels: {
        [CLUSTER_LABEL]: name,
        [CLUSTER_UID_LABEL]: uid,
        [POOL_LABEL]: wanted.pool,
        [ROLE_LABEL]: roleLabel(wanted.role),
        ...(isDriven ? { [DISTRIBUTION_LABEL]: distributionLabel(change.settings) } : {}),
      },
      annotations: {
        ...annotationsOf(change),
        // The first generation of every object is 1.
        ...(permit ? { [PERMIT_ANNOTATION]: isDriven ? target : '1' } : {}),
      },
      ownerReferences: [
        {
          apiVersion: 'windlass.dev/v1alpha1',
          kind: 'Cluster',
          name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: specOf(change, { powerState: 'Running' }),
  };
}

/** The Machine with what it is to become. What the template had and has no more goes; what others filled in stays. */
export function changedMachine(
  machine: Machine,
  applied: MachineTemplate | undefined,
  change: MachineChange,
): Machine {
  const kept = Object.fromEntries(
    Object.entries(machine.spec).filter(([field]) => !(field in (applied ?? {}))),
  );
  return {
    ...machine,
    metadata: {
      ...machine.metadata,
      annotations: { ...machine.metadata.annotations, ...annotationsOf(change) },
    },
    spec: specOf(change, kept),
  };
}

function specOf({ wanted, version }: MachineChange, kept: MachineSpec): MachineSpec {
  return { ...kept, ...wanted.spec, ...(version === undefined ? {} : { version }) };
}

function annotationsOf({
  cluster,
  settings,
  wanted,
  target,
}: MachineChange): Record<string, string> {
  return {
    [TARGET_ANNOTATION]: target,
    [APPLIED_ANNOTATION]: JSON.stringify(wanted.spec),
    [DRAIN_ANNOTATION]: JSON.stringify(settings.drain),
    [OPTIONS_ANNOTATION]: JSON.stringify(cluster.spec.distributionOptions ?? {}),
  };
}

function distributionLabel({ distribution }: ClusterSettings): string {
  return distribution === 'K0s' ? 'k0s' : 'windlass';
}

/** A label holds no plus sign. */
export function roleLabel(role: WantedMachine['role']): string {
  return role === 'controller+worker' ? 'controller-worker' : role;
}
