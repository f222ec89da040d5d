// What a bundle says of itself: the digests and sizes of all it holds, and what each artifact is. Pure.
import { jsonFields } from '#platform/json-fields.ts';
import { ArtifactError } from './artifact-error.ts';
import { parseDigest } from './digest.ts';

export const BUNDLE_MANIFEST = 'manifest.json';
export const BUNDLE_MANIFEST_LIMIT_BYTES = 4 << 20;
const FORMAT = 'windlass.dev/bundle/v1';
const MOST_BLOBS = 10_000;
/** Of one blob, in bytes. */
const LARGEST_BLOB = 64 * 2 ** 30;

export interface BundleBlob {
  /** Lower-case hex. */
  readonly digest: string;
  readonly size: number;
}

export interface BundledArtifact {
  readonly namespace: string;
  readonly name: string;
  /** Lower-case hex. */
  readonly digest: string;
  readonly cacheKey: string;
}

export interface BundleManifest {
  readonly blobs: readonly BundleBlob[];
  readonly artifacts: readonly BundledArtifact[];
}

export function blobName(digest: string): string {
  return `blobs/sha256/${digest}`;
}

export function bundleManifestText({ blobs, artifacts }: BundleManifest): string {
  const named = <T extends { readonly digest: string }>(entry: T): T => ({
    ...entry,
    digest: `sha256:${entry.digest}`,
  });
  const content = { format: FORMAT, artifacts: artifacts.map(named), blobs: blobs.map(named) };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

/** @throws ArtifactError `Invalid` for what no bundle of ours says */
export function parseBundleManifest(text: string): BundleManifest {
  const fields = jsonFields(text);
  if (fields?.['format'] !== FORMAT) throw invalid(`it must begin with a manifest of ${FORMAT}`);
  const { blobs, artifacts } = fields;
  if (!Array.isArray(blobs) || !Array.isArray(artifacts) || blobs.length > MOST_BLOBS)
    throw invalid(`its manifest must list blobs (at most ${MOST_BLOBS}) and artifacts`);
  const manifest = { blobs: blobs.map(blobOf), artifacts: artifacts.map(artifactOf) };
  const digests = new Set(manifest.blobs.map(({ digest }) => digest));
  if (digests.size !== manifest.blobs.length) throw invalid('its manifest lists a blob twice');
  for (const { name, digest } of manifest.artifacts)
    if (!digests.has(digest)) throw invalid(`it names artifact ${name} without its bytes`);
  return manifest;
}

function blobOf(value: unknown): BundleBlob {
  const { digest, size } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const hex = typeof digest === 'string' ? parseDigest(digest) : undefined;
  const isSize = typeof size === 'number' && Number.isSafeInteger(size) && size >= 0;
  if (hex === undefined || !isSize || size > LARGEST_BLOB)
    throw invalid('its manifest has a blob without digest and size');
  return { digest: hex, size };
}

function artifactOf(value: unknown): BundledArtifact {
  const { namespace, name, digest, cacheKey } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const hex = typeof digest === 'string' ? parseDigest(digest) : undefined;
  const texts = [namespace, name, cacheKey];
  if (hex === undefined || !texts.every((text) => typeof text === 'string' && text.length < 1024))
    throw invalid('its manifest has an artifact without namespace, name, digest and cacheKey');
  const [inNamespace = '', called = '', key = ''] = texts as readonly string[];
  return { namespace: inNamespace, name: called, digest: hex, cacheKey: key };
}

export function invalid(why: string): ArtifactError {
  return new ArtifactError('Invalid', `this is no bundle of artifacts: ${why}`);
}
