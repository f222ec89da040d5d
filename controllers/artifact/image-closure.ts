// Everything of an image that the store must keep together: its index, the manifest of one platform, the configuration, the layers.
import type { ArtifactStore } from '../binaries/artifact-store.ts';
import { ImageError, parseManifest } from '../binaries/image-manifest.ts';
import type { ImageManifest } from '../binaries/image-manifest.ts';

const MANIFEST_LIMIT_BYTES = 4 << 20;

/** Digests in hex, the given one first. Of an index only those manifests whose bytes are there. */
export async function imageClosure(
  store: ArtifactStore,
  digest: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const stored = await store.find(digest, signal);
  if (stored === undefined || stored.size > MANIFEST_LIMIT_BYTES) return [digest];
  const parts: Uint8Array[] = [];
  for await (const part of store.read(digest, signal)) parts.push(part);
  const manifest = manifestIn(Buffer.concat(parts));
  if (manifest === undefined) return [digest];
  if (manifest.kind === 'image')
    return [digest, manifest.config.digest, ...manifest.layers.map((layer) => layer.digest)];
  const found = [digest];
  for (const entry of manifest.manifests)
    if ((await store.find(entry.digest, signal)) !== undefined && entry.digest !== digest)
      found.push(...(await imageClosure(store, entry.digest, signal)));
  return found;
}

/** Undefined for what is none: a file that happens to be small. */
function manifestIn(content: Uint8Array): ImageManifest | undefined {
  try {
    return parseManifest(content);
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}
