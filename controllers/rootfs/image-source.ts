// Reads an image from where it is: a registry, by way of the store of artifacts, or a layout on this machine. Every byte that is handed
// out has the digest that it was asked for by.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import type { ArtifactFetcher } from '../binaries/artifact-fetcher.ts';
import { blobSource } from '../binaries/artifact-source.ts';
import {
  checkConfig,
  chooseManifest,
  ImageError,
  parseManifest,
} from '../binaries/image-manifest.ts';
import type { ImageParts, ManifestBlob } from '../binaries/image-manifest.ts';
import type { Repository } from '../registry/repository.ts';
import { persistently } from '../registry/try-again.ts';
import { wantedManifest } from './image-location.ts';
import type { ImageLocation } from './image-location.ts';
import { readPieces } from '../binaries/read-pieces.ts';

export interface ImageSource {
  /** The manifest, or index, that was asked for. */
  top(signal: AbortSignal): Promise<Uint8Array>;
  /** A manifest that an index names. @throws ImageError for other bytes than its digest promises */
  manifest(descriptor: ManifestBlob, signal: AbortSignal): Promise<Uint8Array>;
  /** The bytes of a blob; the end of the loop throws when they are not those of its digest. */
  blob(descriptor: ManifestBlob, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Of what is read at once: manifests and configurations. */
const SMALL_BYTES = 4 << 20;
const MOST_INDEXES = 3;

export interface RegistryImageOptions {
  readonly clock: Clock;
  readonly fetcher: ArtifactFetcher;
  readonly repository: Repository;
}

/** Layers come into the store: the next machine of the same image fetches nothing. */
export function registryImage(
  { clock, fetcher, repository }: RegistryImageOptions,
  { reference, mayBePlain }: Extract<ImageLocation, { readonly kind: 'registry' }>,
): ImageSource {
  const manifest = async (tagOrDigest: string, signal: AbortSignal): Promise<Uint8Array> =>
    (await persistently(clock, signal, () => repository.manifest(tagOrDigest, signal))).content;
  const registry: Pick<Repository, 'blobLocation'> = {
    blobLocation: (digest, signal) =>
      persistently(clock, signal, () => repository.blobLocation(digest, signal)),
  };
  return {
    top: (signal) => manifest(wantedManifest(reference), signal),
    manifest: ({ digest }, signal) => manifest(`sha256:${digest}`, signal),
    async *blob({ digest, size }, signal) {
      const sources = [blobSource(fetcher.http, registry, digest, mayBePlain)];
      const wanted = { digest: { sha256: digest }, sources, limitBytes: size };
      await fetcher.ensure(wanted, { signal });
      yield* fetcher.store.read(digest, signal);
    },
  };
}

/** @param folder of an OCI layout on this machine */
export function layoutImage(folder: string): ImageSource {
  const blob = (descriptor: ManifestBlob, signal: AbortSignal): AsyncGenerator<Uint8Array> =>
    checked(descriptor, readPieces(join(folder, 'blobs', 'sha256', descriptor.digest), signal));
  return {
    async top(signal) {
      try {
        return await readFile(join(folder, 'index.json'), { signal });
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw new ImageError(`${folder} is no OCI layout: ${(error as Error).message}`);
      }
    },
    manifest: (descriptor, signal) => small(descriptor, blob(descriptor, signal)),
    blob,
  };
}

export interface ResolvedImage {
  readonly manifest: ImageParts;
  /** Of the manifest for the platform: `sha256:…`. */
  readonly digest: string;
}

/** Finds the manifest for an architecture; no layer is read. @throws ImageError | RegistryError | ArtifactError */
export async function resolveImageManifest(
  source: ImageSource,
  { architecture, tag }: { readonly architecture: string; readonly tag?: string | undefined },
  signal: AbortSignal,
): Promise<ResolvedImage> {
  let content = await source.top(signal);
  let wanted = tag;
  for (let depth = 0; depth <= MOST_INDEXES; depth += 1) {
    const found = parseManifest(content);
    if (found.kind === 'image') {
      const config = await small(found.config, source.blob(found.config, signal));
      checkConfig(config, 'linux', architecture);
      const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
      return { manifest: found, digest };
    }
    const next = chooseManifest(found.manifests, { os: 'linux', architecture, tag: wanted });
    wanted = undefined;
    // An index leads to the next one.
    content = await source.manifest(next, signal);
  }
  throw new ImageError('the image is an index of indexes without end');
}

async function* checked(
  { digest, size: promised }: ManifestBlob,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of content) {
    size += piece.length;
    if (size > promised)
      throw new ImageError(`sha256:${digest} is longer than the ${promised} bytes promised`);
    hash.update(piece);
    yield piece;
  }
  const found = hash.digest('hex');
  if (found !== digest)
    throw new ImageError(
      `what came for sha256:${digest} is sha256:${found}, ${size} of ${promised} bytes`,
    );
}

async function small(
  { digest, size }: ManifestBlob,
  content: AsyncIterable<Uint8Array>,
): Promise<Uint8Array> {
  if (size > SMALL_BYTES)
    throw new ImageError(`sha256:${digest} has ${size} bytes, ${SMALL_BYTES} is the most`);
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}
