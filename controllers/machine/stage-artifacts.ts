// Puts artifacts onto a host for one slot, beside those of the other, and makes one slot's the ones in use by swapping links.
import type { HostDriver } from '../hosts/host-driver.ts';
import type { Slot } from '../rootfs/goal-state.ts';
import { mustRun } from '../rootfs/root-files.ts';
import type { ArtifactPort } from './artifact-port.ts';
import type { StagedArtifact } from './types.ts';

export interface ArtifactPlace {
  readonly artifact: string;
  readonly digest: string;
  readonly mode: number;
  /** Where it is put, and where it is looked for. The same: nothing is swapped. */
  readonly target: string;
  readonly path: string;
}

export function slotPath(path: string, slot: Slot): string {
  return `${path}.windlass-${slot}`;
}

/** What is there with the right digest stays; what comes is compared before it replaces anything. */
export async function putArtifacts(
  host: HostDriver,
  port: ArtifactPort,
  places: readonly ArtifactPlace[],
  signal: AbortSignal,
): Promise<readonly StagedArtifact[]> {
  return Promise.all(
    places.map(async ({ artifact, digest, mode, target }) => {
      const sha256 = digest.replace(/^sha256:/, '');
      const found = await host.stat(target, signal);
      const isThere = found?.kind === 'file' && (await host.digest(target, signal)) === sha256;
      if (!isThere || found.mode !== mode)
        await host.putFile(target, port.open(digest, signal), { signal, mode, sha256 });
      return { artifact, path: target, digest };
    }),
  );
}

/** Each path becomes a link to the slot's file, all at once; a link that is right already is left alone. */
export async function activateArtifacts(
  host: HostDriver,
  paths: readonly string[],
  slot: Slot,
  signal: AbortSignal,
): Promise<void> {
  for (const path of paths) {
    const target = slotPath(path, slot);
    if ((await host.stat(target, signal)) === undefined) continue;
    const next = `${path}.windlass-next`;
    await mustRun(host, ['ln', '-sfn', target, next], signal);
    await host.rename(next, path, signal);
  }
}
