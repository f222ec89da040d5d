// What the manifest of an OCI image, or of Docker's older form, leads to. Pure.
import { jsonFields } from '#platform/json-fields.ts';
import { parseDigest } from './digest.ts';

export interface ManifestBlob {
  /** Lower-case hex. */
  readonly digest: string;
  readonly size: number;
}

export interface PlatformManifest extends ManifestBlob {
  /** `linux/amd64`, `linux/arm64/v8`; empty where it is not said. */
  readonly platform: string;
}

export type ImageManifest =
  | { readonly kind: 'index'; readonly manifests: readonly PlatformManifest[] }
  | {
      readonly kind: 'image';
      readonly config: ManifestBlob;
      readonly layers: readonly ManifestBlob[];
    };

/** Undefined for what is neither. */
export function parseManifest(content: Uint8Array): ImageManifest | undefined {
  const fields = jsonFields(Buffer.from(content).toString('utf8'));
  if (fields === undefined) return undefined;
  const { manifests, config, layers } = fields;
  if (Array.isArray(manifests)) {
    const entries = manifests.map(platformManifest);
    return entries.every((entry) => entry !== undefined)
      ? { kind: 'index', manifests: entries }
      : undefined;
  }
  const configBlob = blobOf(config);
  const layerBlobs = Array.isArray(layers) ? layers.map(blobOf) : [undefined];
  return configBlob !== undefined && layerBlobs.every((layer) => layer !== undefined)
    ? { kind: 'image', config: configBlob, layers: layerBlobs }
    : undefined;
}

/** The entry for a platform; one that says no platform fits where it is the only one. */
export function platformOf(
  manifests: readonly PlatformManifest[],
  os: string,
  architecture: string,
): PlatformManifest | undefined {
  const wanted = `${os}/${architecture}`;
  return (
    manifests.find(({ platform }) => platform === wanted) ??
    manifests.find(({ platform }) => platform.startsWith(`${wanted}/`)) ??
    (manifests.length === 1 && manifests[0]?.platform === '' ? manifests[0] : undefined)
  );
}

function platformManifest(value: unknown): PlatformManifest | undefined {
  const blob = blobOf(value);
  if (blob === undefined) return undefined;
  const platform = (value as { readonly platform?: unknown }).platform;
  if (typeof platform !== 'object' || platform === null) return { ...blob, platform: '' };
  const { os, architecture, variant } = platform as Readonly<Record<string, unknown>>;
  const words = [os, architecture, variant].filter((word) => typeof word === 'string');
  return { ...blob, platform: words.join('/') };
}

function blobOf(value: unknown): ManifestBlob | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { digest, size } = value as Readonly<Record<string, unknown>>;
  if (typeof digest !== 'string' || !digest.startsWith('sha256:')) return undefined;
  const hex = parseDigest(digest);
  const isSize = typeof size === 'number' && Number.isSafeInteger(size) && size >= 0;
  return hex !== undefined && isSize ? { digest: hex, size } : undefined;
}
