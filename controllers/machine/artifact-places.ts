// Where the artifacts of a machine go: what its spec says, what the Artifact says, and what its host has.
import type { Delivery, HostArtifact, HostArtifacts } from '../binaries/host-artifact.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import { HostCommandError } from '../hosts/host-errors.ts';
import type { Slot } from '../rootfs/goal-state.ts';
import type { Pending } from './machine-work.ts';
import type { Machine } from './types.ts';

export interface ArtifactPlace {
  readonly namespace: string;
  readonly artifact: string;
  readonly type: 'File' | 'Tar';
  /** `sha256:…` */
  readonly digest: string;
  readonly mode: number;
  /** Where it is looked for. */
  readonly path: string;
  /** Where it is put; with `root` below that. The same as `path`: nothing is swapped. */
  readonly target: string;
  /** Of a machine: no folder on the way may be a link of its image. */
  readonly root?: string;
  readonly delivery: Delivery;
}

export function slotPath(path: string, slot: Slot): string {
  return `${path}.windlass-${slot}`;
}

export interface PlacesOptions {
  readonly host: HostDriver;
  readonly artifacts: HostArtifacts;
  readonly slot: Slot;
  readonly machineDirectory: string;
}

const MODE = 0o755;

/** In the order of the spec. @throws HostCommandError for what has no place, or is not on the host where it should be */
export async function artifactPlaces(
  { metadata, spec }: Machine,
  { host, artifacts, slot, machineDirectory }: PlacesOptions,
  signal: AbortSignal,
): Promise<readonly ArtifactPlace[] | Pending> {
  const { namespace = '' } = metadata;
  const places: ArtifactPlace[] = [];
  for (const { name, path: own = '' } of spec.artifacts ?? []) {
    const found = await artifacts.find(namespace, name, signal);
    if ('pending' in found) return found;
    const { type, mode = MODE, installPath, delivery } = found;
    const there = await hostsOwn(host, found, signal);
    const path = own === '' ? (installPath ?? there?.path) : own;
    if (path === undefined)
      throw new HostCommandError(
        `spec.artifacts: ${name} has no path, and Artifact ${name} no installPath: give one of them`,
      );
    const digest = found.digest ?? there?.digest ?? '';
    const common = { namespace, artifact: name, type, digest, mode, path, delivery };
    if (spec.rootfs !== undefined) places.push({ ...common, target: path, root: machineDirectory });
    else places.push({ ...common, target: there?.path === path ? path : slotPath(path, slot) });
  }
  return places;
}

/** What the host has by itself, of an Artifact that says so. */
async function hostsOwn(
  host: HostDriver,
  { delivery }: HostArtifact,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly digest: string } | undefined> {
  if (delivery.by !== 'Existing') return undefined;
  const path = await existingPath(host, delivery.paths, signal);
  return { path, digest: `sha256:${(await host.digest(path, signal)) ?? ''}` };
}

/** Where artifacts of a machine without a root are looked for, also those whose path their Artifact says. */
export function artifactPaths({ spec, status }: Machine): readonly string[] {
  const own = (spec.artifacts ?? []).flatMap(({ path = '' }) => (path === '' ? [] : path));
  if (spec.rootfs !== undefined) return own;
  const staged = (status?.staged ?? []).flatMap(
    ({ path }) => /^(.+)\.windlass-[ab]$/.exec(path)?.[1] ?? [],
  );
  return [...new Set([...own, ...staged])];
}

/** @throws HostCommandError when none is there */
export async function existingPath(
  host: HostDriver,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  for (const path of paths)
    if ((await host.digest(path, signal).catch(() => undefined)) !== undefined) return path;
  throw new HostCommandError(`no file found on host ${host.name} at ${paths.join(', ')}`);
}
