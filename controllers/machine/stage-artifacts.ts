// Puts artifacts onto a host for one slot, beside those of the other, and makes one slot's the ones in use by swapping links.
import type { IdSource } from '#platform/id.ts';
import { ArtifactError } from '../binaries/artifact-error.ts';
import { modeText } from '../binaries/file-mode.ts';
import type { HostArtifacts, PullSource } from '../binaries/host-artifact.ts';
import { HostCannotPullError, pullOnHost } from '../binaries/pull-on-host.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import { HostCommandError } from '../hosts/host-errors.ts';
import type { Slots } from '../hosts/slots.ts';
import type { Slot } from '../rootfs/goal-state.ts';
import { mustRun, pathInRoot } from '../rootfs/root-files.ts';
import { unpackArchive, unpackedDigest } from '../rootfs/unpack-archive.ts';
import { existingPath, slotPath } from './artifact-places.ts';
import type { ArtifactPlace } from './artifact-places.ts';
import type { StagedArtifact } from './types.ts';

const COPY_MS = 600_000;

export interface StagingWork {
  readonly host: HostDriver;
  readonly artifacts: HostArtifacts;
  readonly ids: IdSource;
  readonly workFolder: string;
  /** For what the host fetches itself. */
  readonly downloads: Slots;
}

/** Whether it is the host's own file at its own place: nothing is put there, and nothing removed. */
export function isLeftAlone({ delivery, path, target, root }: ArtifactPlace): boolean {
  return delivery.by === 'Existing' && root === undefined && target === path;
}

/** What is there with the right digest stays; what comes is compared before it replaces anything. */
export async function putArtifacts(
  work: StagingWork,
  places: readonly ArtifactPlace[],
  signal: AbortSignal,
): Promise<readonly StagedArtifact[]> {
  return Promise.all(
    places.map(async (place) => {
      const { artifact, digest, type, delivery } = place;
      const target = await targetOf(work, place, signal);
      const staged = { artifact, path: target, digest, type };
      if (isLeftAlone(place)) {
        await requireDigest(work, target, digest, signal);
        return { ...staged, delivery: delivery.by };
      }
      const notes =
        type === 'Tar'
          ? await putTree(work, place, target, signal)
          : await putFile(work, place, target, signal);
      return { ...staged, delivery: delivery.by, ...notes };
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
    if ((await host.stat(path, signal))?.kind === 'directory')
      throw new HostCommandError(
        `${path} is a folder already, and not ours: move it away, or give another path`,
      );
    const next = `${path}.windlass-next`;
    await mustRun(host, ['ln', '-sfn', target, next], signal);
    await host.rename(next, path, signal);
  }
}

/** What leads to one of our slots goes; a link of somebody else's stays, also at a path that a spec names. */
export async function removeOwnLink(
  host: HostDriver,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  if ((await host.stat(path, signal))?.kind !== 'link') return;
  const { stdout } = await host.exec(['readlink', path], { signal });
  if ((['a', 'b'] as const).some((slot) => stdout.trim() === slotPath(path, slot)))
    await host.remove(path, signal);
}

async function targetOf(
  { host }: StagingWork,
  { root, target }: ArtifactPlace,
  signal: AbortSignal,
): Promise<string> {
  return root === undefined ? target : pathInRoot(host, root, target, signal);
}

type Notes = Partial<Pick<StagedArtifact, 'delivery' | 'message'>>;

async function putFile(
  work: StagingWork,
  place: ArtifactPlace,
  target: string,
  signal: AbortSignal,
): Promise<Notes> {
  const { host, artifacts } = work;
  const { digest, mode, delivery, namespace, artifact } = place;
  const sha256 = digest.replace(/^sha256:/, '');
  const found = await host.stat(target, signal);
  if (found?.kind === 'file' && (await host.digest(target, signal)) === sha256) {
    if (found.mode !== mode) await mustRun(host, ['chmod', modeText(mode), target], signal);
    return {};
  }
  const send = async (): Promise<void> =>
    void (await host.putFile(target, artifacts.open(digest, signal), { signal, mode, sha256 }));
  switch (delivery.by) {
    case 'Upload':
      await send();
      return {};
    case 'Existing':
      await copyOnHost(work, delivery.paths, { target, digest, mode }, signal);
      return {};
    case 'NodePull':
      try {
        await work.downloads.run(signal, () =>
          pull(host, delivery.sources, { target, sha256, mode }, signal),
        );
        return {};
      } catch (error) {
        if (!(error instanceof HostCannotPullError)) throw error;
        await artifacts.bring(namespace, artifact, signal);
        await send();
        return { delivery: 'Upload', message: `${error.message}: it was sent from here` };
      }
  }
}

/** From the first source that has the bytes. @throws ArtifactError of all of them; HostCannotPullError when none was asked */
async function pull(
  host: HostDriver,
  sources: readonly PullSource[],
  {
    target,
    sha256,
    mode,
  }: { readonly target: string; readonly sha256: string; readonly mode: number },
  signal: AbortSignal,
): Promise<void> {
  const failures: ArtifactError[] = [];
  for (const { url, headers } of sources) {
    try {
      const secret = await headers(signal);
      await pullOnHost(host, { url, headers: secret, sha256, path: target, mode }, signal);
      return;
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error;
      failures.push(error);
    }
  }
  const hosts = failures.find((failure) => failure instanceof HostCannotPullError);
  if (hosts !== undefined) throw hosts;
  const gravest = failures.find(({ failure }) => failure === 'ChecksumMismatch') ?? failures[0];
  throw new ArtifactError(
    gravest?.failure ?? 'Invalid',
    failures.map(({ message }) => message).join('; '),
  );
}

/** Archives are judged here before a host unpacks them, so they come from here however the file would. */
async function putTree(
  work: StagingWork,
  place: ArtifactPlace,
  path: string,
  signal: AbortSignal,
): Promise<Notes> {
  const { host, artifacts } = work;
  const { digest, mode, delivery, namespace, artifact } = place;
  if ((await unpackedDigest(work, path, signal)) === digest) {
    const found = await host.stat(path, signal);
    if (found?.mode !== mode) await mustRun(host, ['chmod', modeText(mode), path], signal);
    return {};
  }
  if (delivery.by === 'NodePull') await artifacts.bring(namespace, artifact, signal);
  const content = artifacts.open(digest, signal);
  await unpackArchive(work, { digest, content, path, mode }, signal);
  return delivery.by === 'NodePull'
    ? { delivery: 'Upload', message: 'archives are looked at here before a host unpacks them' }
    : {};
}

async function copyOnHost(
  { host, ids }: StagingWork,
  paths: readonly string[],
  {
    target,
    digest,
    mode,
  }: { readonly target: string; readonly digest: string; readonly mode: number },
  signal: AbortSignal,
): Promise<void> {
  const source = await existingPath(host, paths, signal);
  const partial = `${target}.windlass-${ids.hex(8)}`;
  const folder = target.slice(0, Math.max(1, target.lastIndexOf('/')));
  try {
    await mustRun(host, ['mkdir', '-p', folder], signal);
    await mustRun(host, ['cp', source, partial], signal, COPY_MS);
    await mustRun(host, ['chmod', modeText(mode), partial], signal);
    await requireDigest({ host }, partial, digest, signal);
    await host.rename(partial, target, signal);
  } catch (error) {
    await host.remove(partial, new AbortController().signal).catch(() => undefined);
    throw error;
  }
}

async function requireDigest(
  { host }: Pick<StagingWork, 'host'>,
  path: string,
  digest: string,
  signal: AbortSignal,
): Promise<void> {
  const found = await host.digest(path, signal);
  if (`sha256:${found ?? ''}` === digest) return;
  throw new ArtifactError(
    found === undefined ? 'NotFound' : 'ChecksumMismatch',
    found === undefined
      ? `no file found on host ${host.name} at ${path}`
      : `${path} on ${host.name}: SHA-256 is ${found}, and should be ${digest}; nothing was replaced`,
  );
}
