// Finds what differs between a host and the goal of its machine, and puts right what can be put right without building anything anew.
import { createHash } from 'node:crypto';
import type { HostDriver } from '../hosts/host-driver.ts';
import { readMarker } from '../rootfs/completion-marker.ts';
import type { RootFS, Slot } from '../rootfs/goal-state.ts';
import type { NodeFile } from '../rootfs/node-file.ts';
import type { NodeFiles } from '../rootfs/node-files.ts';
import { nspawnFile, serviceOverride } from '../rootfs/nspawn-unit.ts';
import { osFiles } from '../rootfs/os-files.ts';
import { pathInRoot } from '../rootfs/root-files.ts';
import { unpackedDigest } from '../rootfs/unpack-archive.ts';
import { slotPath } from './artifact-places.ts';
import type { StagedArtifact } from './types.ts';

/** What it takes to put it right; `unknown` is only told. */
export type DriftClass = 'in-place' | 'restart' | 'rebuild' | 'unknown';

export interface Drift {
  readonly field: string;
  readonly class: DriftClass;
  /** For `in-place`: a file that is written as it should be. */
  readonly file?: { readonly path: string; readonly content: string; readonly mode?: number };
  /** Of the machine: who must be restarted to notice. */
  readonly unit?: string;
}

export interface DriftInput {
  readonly host: HostDriver;
  readonly goal: RootFS;
  /** Absent: no root of ours is on this host. */
  readonly goalHash: string | undefined;
  readonly staged: readonly StagedArtifact[];
  readonly shouldRun: boolean;
  /** What makes its root a node, or why nobody can say. */
  readonly nodeFiles?: NodeFiles | { readonly problem: string } | undefined;
}

/** Of what was staged last, what is for this slot: a run that turned back leaves word of the other one's. */
export function stagedIn(
  slot: Slot,
  { machineDirectory }: Pick<RootFS, 'machineDirectory'>,
  staged: readonly StagedArtifact[],
): readonly StagedArtifact[] {
  return staged.filter(
    ({ path }) => path.startsWith(`${machineDirectory}/`) || path.endsWith(slotPath('', slot)),
  );
}

/** Reads only. In order of what they are, sorted. */
export async function findDrift(
  { host, goal, goalHash, staged, shouldRun, nodeFiles }: DriftInput,
  signal: AbortSignal,
): Promise<readonly Drift[]> {
  const found: Drift[] = [];
  for (const { artifact, path, digest, type } of staged) {
    const here =
      type === 'Tar'
        ? await unpackedDigest({ host }, path, signal)
        : `sha256:${(await host.digest(path, signal)) ?? ''}`;
    if (here !== digest) found.push({ field: `artifact ${artifact} at ${path}`, class: 'rebuild' });
  }
  if (goalHash === undefined) return found;
  const marker = await readMarker(host, goal.machineDirectory, signal);
  if (marker?.goalHash !== goalHash)
    return [...found, { field: `root ${goal.machineDirectory}`, class: 'rebuild' }];
  if (nodeFiles !== undefined && 'problem' in nodeFiles)
    found.push({ field: nodeFiles.problem, class: 'unknown' });
  const ofNode = nodeFiles !== undefined && 'files' in nodeFiles ? nodeFiles.files : [];
  const wantedInRoot: readonly NodeFile[] = [...osFiles(goal), ...ofNode];
  const inRoot = await Promise.all(
    wantedInRoot.map(async (file) => ({
      ...file,
      path: await pathInRoot(host, goal.machineDirectory, file.path, signal),
    })),
  );
  const files: readonly NodeFile[] = [
    { path: goal.nspawnFile, content: nspawnFile(goal) },
    { path: goal.serviceOverrideFile, content: serviceOverride(goal) },
    ...inRoot,
  ];
  for (const { unit, ...file } of files) {
    const wanted = createHash('sha256').update(file.content).digest('hex');
    const isRight =
      (await host.digest(file.path, signal)) === wanted &&
      (file.mode === undefined || (await host.stat(file.path, signal))?.mode === file.mode);
    const told = unit === undefined ? {} : { unit };
    if (!isRight) found.push({ field: `file ${file.path}`, class: 'in-place', file, ...told });
  }
  const { isActive, state } = await host.services.state(goal.unit, signal);
  if (shouldRun && !isActive)
    found.push({ field: `service ${goal.unit} is ${state}`, class: 'restart' });
  return found;
}
