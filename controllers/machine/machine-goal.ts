// Names and hashes of a machine: what its spec asks for, and what its root is to become. Pure, but for the hash.
import { createHash } from 'node:crypto';
import type { DeclaredFile } from '../binaries/declared-files.ts';
import type { HostFacts } from '../hosts/host-driver.ts';
import type { Devices } from '../rootfs/devices.ts';
import { goalContent, resolveGoal } from '../rootfs/goal-state.ts';
import type { NodeGoal, RootFS, Slot } from '../rootfs/goal-state.ts';
import type { Machine } from './types.ts';

/** The fields of a spec that a run is for. */
export interface SpecOfRun {
  readonly providerRef?: unknown;
  readonly connection?: unknown;
  readonly role?: unknown;
  readonly version?: unknown;
  readonly artifacts?: unknown;
  readonly files?: unknown;
  readonly rootfs?: unknown;
  readonly node?: unknown;
}

/** Power, pauses and policies start no run. */
export function specHash(spec: SpecOfRun): string {
  const { providerRef, connection, role, version, artifacts, files, rootfs, node } = spec;
  return hashOf({ providerRef, connection, role, version, artifacts, files, rootfs, node });
}

/** Hosts that are given to several machines tell them apart by namespace too. */
export function hostName({ metadata }: Pick<Machine, 'metadata'>): string {
  return metadata.namespace === undefined || metadata.namespace === 'default'
    ? metadata.name
    : `${metadata.namespace}-${metadata.name}`;
}

export function nodeGoal({ metadata, spec }: Machine): NodeGoal | undefined {
  const { node } = spec;
  if (node === undefined) return undefined;
  const { labels = {}, taints = [], apiServer = '', credentialSecretRef: _, ...rest } = node;
  return { name: metadata.name, labels, taints, apiServer, ...rest };
}

/** @throws GoalError for what cannot be built */
export function machineGoal(
  machine: Machine,
  slot: Slot,
  facts: Pick<HostFacts, 'arch' | 'hostname' | 'kernel'>,
  devices: Devices,
): RootFS {
  const { spec } = machine;
  return resolveGoal({
    name: hostName(machine),
    slot,
    spec: spec.rootfs ?? {},
    version: spec.version,
    node: nodeGoal(machine),
    facts,
    devices,
  });
}

/** @param places of the artifacts, in the order of the spec. @param files that it declares */
export function goalHash(
  machine: Machine,
  goal: RootFS,
  places: readonly { readonly path: string; readonly digest: string }[],
  files: readonly Omit<DeclaredFile, 'open'>[],
): string {
  const { version, rootfs } = machine.spec;
  const paths = places.map(({ path, digest }) => [path, digest]);
  // Without files it is what it was before there were any.
  const declared =
    files.length === 0 ? {} : { files: files.map((file) => ({ ...file, open: '' })) };
  return hashOf({
    ...declared,
    version,
    paths,
    root: rootfs === undefined ? undefined : goalContent(goal),
  });
}

function hashOf(value: unknown): string {
  const text = JSON.stringify(value, (_, child: unknown) =>
    typeof child === 'object' && child !== null && !Array.isArray(child)
      ? Object.fromEntries(Object.entries(child).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : child,
  );
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
