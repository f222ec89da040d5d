// Puts a tree that was judged here into a folder of a host: as one archive that holds nothing to be judged any more.
import { createHash } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { IdSource } from '#platform/id.ts';
import { readPieces } from '../binaries/read-pieces.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import { LayeredImage } from './image-layers.ts';
import type { LayerOptions } from './image-layers.ts';
import { mustRun } from './root-files.ts';
import { treeArchive } from './tree-archive.ts';

const UNPACK_MS = 1_800_000;

export interface TreeWork {
  readonly host: HostDriver;
  readonly ids: IdSource;
  /** A folder of this machine for what is on its way. */
  readonly workFolder: string;
}

/** An empty tree whose contents lie in a file of this machine until `use` has ended. */
export async function withTree<T>(
  { ids, workFolder }: Pick<TreeWork, 'ids' | 'workFolder'>,
  options: LayerOptions,
  use: (image: LayeredImage) => Promise<T>,
): Promise<T> {
  await mkdir(workFolder, { recursive: true, mode: 0o700 });
  const path = join(workFolder, `tree-${ids.hex(16)}.spool`);
  try {
    await using spool = await open(path, 'wx+', 0o600);
    return await use(new LayeredImage(spool, options));
  } finally {
    await rm(path, { force: true });
  }
}

export interface TreePlace {
  /** On the host; it is there, and empty. */
  readonly folder: string;
  /** On the host, for as long as it takes. */
  readonly archive: string;
  /** Whether what is in it belongs to whom the archive says, where the host lets us. */
  readonly keepsOwners: boolean;
}

export async function putTree(
  image: LayeredImage,
  { host, ids, workFolder }: TreeWork,
  { folder, archive, keepsOwners }: TreePlace,
  signal: AbortSignal,
): Promise<void> {
  const path = join(workFolder, `tree-${ids.hex(16)}.tar`);
  try {
    const hash = createHash('sha256');
    await using file = await open(path, 'wx', 0o600);
    for await (const piece of treeArchive(image, signal)) {
      hash.update(piece);
      await file.writeFile(piece);
    }
    const sha256 = hash.digest('hex');
    await host.putFile(archive, readPieces(path, signal), { signal, mode: 0o600, sha256 });
    const isPrivileged = keepsOwners && (await host.facts(signal)).isPrivileged;
    const owner = isPrivileged ? '--same-owner' : '--no-same-owner';
    const command = ['tar', '--extract', '--numeric-owner', owner, '--same-permissions'];
    const where = [`--file=${archive}`, `--directory=${folder}`];
    await mustRun(host, [...command, ...where], signal, UNPACK_MS);
  } finally {
    await rm(path, { force: true });
    if (!signal.aborted) await host.remove(archive, signal);
  }
}
