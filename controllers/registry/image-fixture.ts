// Puts small images into a registry, for tests.
import type { Repository } from './repository.ts';

const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';
export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

/** An image of one layer, which is `text`. @returns the digest of its manifest */
export async function pushImage(
  repository: Repository,
  tag: string,
  text: string,
  signal: AbortSignal,
): Promise<string> {
  const described = async (mediaType: string, content: Buffer): Promise<object> => ({
    mediaType,
    size: content.length,
    digest: await repository.putBlob(content, 1000, signal),
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: await described(CONFIG_TYPE, Buffer.from(JSON.stringify({ os: 'linux', text }))),
    layers: [await described(LAYER_TYPE, Buffer.from(text))],
  };
  const content = Buffer.from(JSON.stringify(manifest));
  return repository.putManifest(tag, { mediaType: MANIFEST_TYPE, content }, signal);
}
