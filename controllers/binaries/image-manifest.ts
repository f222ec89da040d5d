// Manifests of images: which there are in an index, and the parts of one. What is Docker's is read as OCI's equivalent. Pure.
import { parseDigest } from './digest.ts';

export interface ManifestBlob {
  /** Lower-case hex. */
  readonly digest: string;
  readonly size: number;
  /** As it stands there; empty where it is not said. */
  readonly mediaType: string;
}

export interface PlatformManifest extends ManifestBlob {
  /** `linux/amd64`, `linux/arm64/v8`; empty where it is not said. */
  readonly platform: string;
  /** In a layout: what it is called there. */
  readonly tag: string | undefined;
}

export interface ImageParts {
  readonly config: ManifestBlob;
  readonly layers: readonly ManifestBlob[];
}

export type ImageManifest =
  | { readonly kind: 'index'; readonly manifests: readonly PlatformManifest[] }
  | ({ readonly kind: 'image' } & ImageParts);

export type Compression = 'none' | 'gzip' | 'zstd';

export class ImageError extends Error {
  override readonly name = 'ImageError';
}

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const DOCKER: Readonly<Record<string, string>> = {
  'application/vnd.docker.distribution.manifest.list.v2+json': INDEX,
  'application/vnd.docker.distribution.manifest.v2+json': MANIFEST,
  'application/vnd.docker.container.image.v1+json': CONFIG,
  'application/vnd.docker.image.rootfs.diff.tar': LAYER,
  'application/vnd.docker.image.rootfs.diff.tar.gzip': `${LAYER}+gzip`,
};
/** Nobody's image has more. */
const MOST_LAYERS = 512;
const MOST_MANIFESTS = 4096;

/** Docker's media types as OCI's; OCI's stay. */
export function ociMediaType(mediaType: string): string {
  return DOCKER[mediaType] ?? mediaType;
}

/** @throws ImageError for a layer that is packed in an unknown way */
export function compressionOf({ mediaType }: ManifestBlob): Compression {
  const type = ociMediaType(mediaType);
  if (type === LAYER) return 'none';
  if (type === `${LAYER}+gzip`) return 'gzip';
  if (type === `${LAYER}+zstd`) return 'zstd';
  throw new ImageError(`the image has a layer of the unknown format ${JSON.stringify(mediaType)}`);
}

/** @throws ImageError for what is neither a manifest nor an index */
export function parseManifest(content: Uint8Array): ImageManifest {
  const { mediaType, manifests, layers, config } = recordOf(parsed(content), 'the manifest');
  const kind = ociMediaType(typeof mediaType === 'string' ? mediaType : '');
  if (Array.isArray(manifests) && kind !== MANIFEST) {
    if (manifests.length > MOST_MANIFESTS)
      throw new ImageError(`the index names more than ${MOST_MANIFESTS} manifests`);
    return { kind: 'index', manifests: manifests.map(platformManifest) };
  }
  if (!Array.isArray(layers)) throw new ImageError('the manifest has neither manifests nor layers');
  if (layers.length > MOST_LAYERS)
    throw new ImageError(`the image has more than ${MOST_LAYERS} layers`);
  return { kind: 'image', config: blobOf(config), layers: layers.map(blobOf) };
}

/**
 * The entry for a platform; one that says no platform fits where it is the only one.
 *
 * @param wanted.tag in a layout: which of its images is meant
 * @throws ImageError that says which there are
 */
export function chooseManifest(
  manifests: readonly PlatformManifest[],
  wanted: { readonly os: string; readonly architecture: string; readonly tag?: string | undefined },
): PlatformManifest {
  const { tag } = wanted;
  const named = tag === undefined ? manifests : manifests.filter((entry) => entry.tag === tag);
  if (named.length === 0)
    throw new ImageError(
      tag === undefined
        ? 'the index names no manifest'
        : `the layout has no image tagged ${tag}; there are: ${listOf(manifests.map((entry) => entry.tag))}`,
    );
  const platform = `${wanted.os}/${wanted.architecture}`;
  const found =
    named.find((entry) => entry.platform === platform) ??
    named.find((entry) => entry.platform.startsWith(`${platform}/`)) ??
    (named.length === 1 && named[0]?.platform === '' ? named[0] : undefined);
  if (found !== undefined) return found;
  throw new ImageError(
    `the image is not there for ${platform}; it is for: ${listOf(named.map((entry) => entry.platform))}`,
  );
}

/** @throws ImageError when an image that says its platform is for another one */
export function checkConfig(content: Uint8Array, os: string, architecture: string): void {
  const config = recordOf(parsed(content), 'the configuration');
  // One manifest without a platform is accepted: then nothing says that it does not fit.
  const isOther = (value: unknown, wanted: string): boolean =>
    typeof value === 'string' && value !== '' && value !== wanted;
  if (isOther(config['os'], os) || isOther(config['architecture'], architecture))
    throw new ImageError(
      `the image is for ${printable(config['os'])}/${printable(config['architecture'])}, and the machine is ${os}/${architecture}`,
    );
}

function listOf(words: readonly (string | undefined)[]): string {
  const known = words.filter(
    (word) => word !== undefined && word !== '' && !word.startsWith('unknown/'),
  );
  return known.length === 0 ? 'nothing that is named' : known.slice(0, 20).join(', ');
}

function platformManifest(value: unknown): PlatformManifest {
  const { platform, annotations } = recordOf(value, 'an entry of the index');
  const { os, architecture, variant } = fieldsOf(platform);
  const words = [os, architecture, variant].filter((word) => typeof word === 'string');
  const name = fieldsOf(annotations)['org.opencontainers.image.ref.name'];
  return {
    ...blobOf(value),
    platform: words.map(printable).join('/'),
    tag: typeof name === 'string' ? printable(name).replace(/^.*:/, '') : undefined,
  };
}

function blobOf(value: unknown): ManifestBlob {
  const { digest, size, mediaType } = recordOf(value, 'a descriptor');
  const hex =
    typeof digest === 'string' && digest.startsWith('sha256:') ? parseDigest(digest) : undefined;
  if (hex === undefined)
    throw new ImageError('the image names content by something that is no SHA-256 digest');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw new ImageError(`the image gives no size for sha256:${hex}`);
  return { digest: hex, size, mediaType: typeof mediaType === 'string' ? mediaType : '' };
}

function printable(value: unknown): string {
  return (typeof value === 'string' ? value : 'unknown').replaceAll(/[^ -~]+/g, '?').slice(0, 60);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function recordOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ImageError(`${what} is not what a registry has: no JSON object`);
  return value as Record<string, unknown>;
}

function parsed(content: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(content)) as unknown;
  } catch {
    throw new ImageError('the manifest is no JSON');
  }
}
