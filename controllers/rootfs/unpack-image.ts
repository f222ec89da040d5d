// Puts an image onto a host as the tree of a machine's root. Layers are read, judged and put together here; the host gets one archive
// that holds nothing to be judged any more, and unpacks it with its tar.
import { createHash } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { compressionOf, ImageError } from '../binaries/image-manifest.ts';
import { LayeredImage } from './image-layers.ts';
import { resolveImageManifest } from './image-source.ts';
import type { RootFSContext } from './rootfs-context.ts';
import { mustRun } from './root-files.ts';
import { readPieces } from '../binaries/read-pieces.ts';
import { treeArchive } from './tree-archive.ts';

const UNPACK_MS = 1_800_000;

/** The folder is there already, and empty. @returns the digest of the manifest that was unpacked */
export async function unpackImage(
  { host, goal, images, ids, workFolder }: RootFSContext,
  signal: AbortSignal,
): Promise<string> {
  await mkdir(workFolder, { recursive: true, mode: 0o700 });
  const name = `image-${ids.hex(16)}`;
  const [spoolPath, archivePath] = [join(workFolder, `${name}.spool`), join(workFolder, name)];
  const onHost = `/var/lib/machines/.${goal.machineName}.tar`;
  await using opened = await images.open(goal.image, signal);
  const { source, tag } = opened;
  const { architecture } = goal;
  const { manifest, digest } = await resolveImageManifest(source, { architecture, tag }, signal);
  try {
    await using spool = await open(spoolPath, 'wx+', 0o600);
    const image = new LayeredImage(spool);
    for (const layer of manifest.layers) {
      // Each layer changes what those below it made.
      await image.add(source.blob(layer, signal), compressionOf(layer), signal);
    }
    if (image.tree.get('sbin/init') === undefined)
      throw new ImageError('the image has no /sbin/init, so no machine can boot from it');
    const hash = createHash('sha256');
    await using archive = await open(archivePath, 'wx', 0o600);
    for await (const piece of treeArchive(image, signal)) {
      hash.update(piece);
      await archive.writeFile(piece);
    }
    const sha256 = hash.digest('hex');
    const content = readPieces(archivePath, signal);
    await host.putFile(onHost, content, { signal, mode: 0o600, sha256 });
    const { isPrivileged } = await host.facts(signal);
    const owner = isPrivileged ? '--same-owner' : '--no-same-owner';
    const command = ['tar', '--extract', '--numeric-owner', owner, '--same-permissions'];
    await mustRun(
      host,
      [...command, `--file=${onHost}`, `--directory=${goal.machineDirectory}`],
      signal,
      UNPACK_MS,
    );
    return digest;
  } finally {
    await rm(spoolPath, { force: true });
    await rm(archivePath, { force: true });
    if (!signal.aborted) await host.remove(onHost, signal);
  }
}
