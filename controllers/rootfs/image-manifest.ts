// Manifests of images: the one for a platform out of an index, and its layers. What is Docker's is read as OCI's equivalent. Pure.

export interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
}

export interface ImageManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

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

/** Docker's media types as OCI's; OCI's stay. */
export function ociMediaType(mediaType: string): string {
  return DOCKER[mediaType] ?? mediaType;
}

/** @throws ImageError for a layer that is packed in an unknown way */
export function compressionOf({ mediaType }: Descriptor): Compression {
  const type = ociMediaType(mediaType);
  if (type === LAYER) return 'none';
  if (type === `${LAYER}+gzip`) return 'gzip';
  if (type === `${LAYER}+zstd`) return 'zstd';
  throw new ImageError(`the image has a layer of the unknown format ${JSON.stringify(mediaType)}`);
}

export type Parsed =
  | { readonly kind: 'manifest'; readonly manifest: ImageManifest }
  /** The manifest for the platform is elsewhere. */
  | { readonly kind: 'index'; readonly next: Descriptor };

/**
 * @param tag in a layout: which of its manifests is meant
 * @throws ImageError for what is no manifest; for an index without the platform it says which there are
 */
export function parseManifest(content: Uint8Array, architecture: string, tag?: string): Parsed {
  const value = recordOf(parsed(content), 'the manifest');
  const kind = ociMediaType(typeof value['mediaType'] === 'string' ? value['mediaType'] : '');
  if (Array.isArray(value['manifests']) && kind !== MANIFEST)
    return { kind: 'index', next: chosen(value['manifests'], architecture, tag) };
  if (!Array.isArray(value['layers']))
    throw new ImageError('the manifest has neither manifests nor layers');
  if (value['layers'].length > MOST_LAYERS)
    throw new ImageError(`the image has more than ${MOST_LAYERS} layers`);
  return {
    kind: 'manifest',
    manifest: {
      config: descriptorOf(value['config']),
      layers: value['layers'].map((layer) => descriptorOf(layer)),
    },
  };
}

/** @throws ImageError when an image that says its platform is for another one */
export function checkConfig(content: Uint8Array, architecture: string): void {
  const { os, architecture: own } = recordOf(parsed(content), 'the configuration');
  // One manifest without a platform is accepted: then nothing says that it does not fit.
  const isWrong =
    (typeof os === 'string' && os !== '' && os !== 'linux') ||
    (typeof own === 'string' && own !== '' && own !== architecture);
  if (isWrong)
    throw new ImageError(
      `the image is for ${printable(os)}/${printable(own)}, and the machine is linux/${architecture}`,
    );
}

function chosen(entries: readonly unknown[], architecture: string, tag?: string): Descriptor {
  const all = entries.map((entry) => recordOf(entry, 'an entry of the index'));
  const named = tag === undefined ? all : all.filter((entry) => tagOf(entry) === tag);
  if (named.length === 0)
    throw new ImageError(
      `the layout has no image tagged ${tag ?? ''}; there are: ${listOf(all.map(tagOf))}`,
    );
  const wanted = `linux/${architecture}`;
  const fitting = named.find((entry) => platformOf(entry) === wanted);
  if (fitting !== undefined) return descriptorOf(fitting);
  const [only] = named;
  if (named.length === 1 && only !== undefined && platformOf(only) === undefined)
    return descriptorOf(only);
  throw new ImageError(
    `the image is not there for ${wanted}; it is for: ${listOf(named.map(platformOf))}`,
  );
}

function listOf(words: readonly (string | undefined)[]): string {
  const known = words.filter((word) => word !== undefined && !word.startsWith('unknown/'));
  return known.length === 0 ? 'nothing that is named' : known.slice(0, 20).join(', ');
}

function tagOf({ annotations }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof annotations !== 'object' || annotations === null) return undefined;
  const name = (annotations as Record<string, unknown>)['org.opencontainers.image.ref.name'];
  return typeof name === 'string' ? printable(name).replace(/^.*:/, '') : undefined;
}

function platformOf({ platform }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof platform !== 'object' || platform === null) return undefined;
  const { os, architecture } = platform as Record<string, unknown>;
  return `${printable(os)}/${printable(architecture)}`;
}

function printable(value: unknown): string {
  return (typeof value === 'string' ? value : 'unknown').replaceAll(/[^ -~]+/g, '?').slice(0, 60);
}

function descriptorOf(value: unknown): Descriptor {
  const { digest, size, mediaType } = recordOf(value, 'a descriptor');
  if (typeof digest !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(digest))
    throw new ImageError('the image names content by something that is no SHA-256 digest');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw new ImageError(`the image gives no size for ${digest}`);
  return { digest, size, mediaType: typeof mediaType === 'string' ? mediaType : '' };
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
