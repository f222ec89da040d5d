// Artifacts as one file for machines without the internet: a tar of a manifest and the files of the store that it lists.
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import type { Pack } from 'tar-stream';
import { ArtifactError, storageError } from './artifact-error.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { BUNDLE_MANIFEST, blobName, bundleManifestText } from './bundle-manifest.ts';
import type { BundledArtifact, BundleBlob, BundleManifest } from './bundle-manifest.ts';
import { syncFolder } from './sync-folder.ts';

export interface ArtifactToBundle extends BundledArtifact {
  /** Digests of all files that it consists of, in hex; its own among them. */
  readonly parts: readonly string[];
}

/**
 * The same artifacts give the same bytes. The file appears when it is whole.
 *
 * @throws ArtifactError `NotFound` when the store lacks a part, `Storage…`; the signal's reason
 */
export async function writeBundle(
  path: string,
  store: ArtifactStore,
  artifacts: readonly ArtifactToBundle[],
  signal: AbortSignal,
): Promise<BundleManifest> {
  const blobs: BundleBlob[] = [];
  for (const digest of [...new Set(artifacts.flatMap(({ parts }) => parts))].toSorted()) {
    const stored = await store.find(digest, signal);
    if (stored === undefined)
      throw new ArtifactError('NotFound', `sha256:${digest} is not in the store ${store.folder}`);
    blobs.push({ digest, size: stored.size });
  }
  const manifest = {
    blobs,
    artifacts: artifacts.map(({ parts: _parts, ...artifact }) => artifact),
  };
  const partial = `${path}.partial`;
  try {
    const archive = pack();
    const written = pipeline(archive, createWriteStream(partial, { mode: 0o600 }), { signal });
    const filled = fill(archive, store, manifest, signal);
    // Whichever fails first is the reason; the other ends with it.
    await Promise.all([written, filled]);
    await sync(partial);
    await rename(partial, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(partial, { force: true });
    if (signal.aborted) throw signal.reason;
    throw storageError(error, path);
  }
  return manifest;
}

async function fill(
  archive: Pack,
  store: ArtifactStore,
  manifest: BundleManifest,
  signal: AbortSignal,
): Promise<void> {
  try {
    const base = { type: 'file', mode: 0o644, mtime: new Date(0) } as const;
    const text = bundleManifestText(manifest);
    archive.entry({ ...base, name: BUNDLE_MANIFEST }, text);
    for (const { digest, size } of manifest.blobs) {
      const entry = archive.entry({ ...base, name: blobName(digest), size });
      await pipeline(store.read(digest, signal), entry, { signal });
    }
    archive.finalize();
  } catch (error) {
    archive.destroy(error as Error);
    throw error;
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
