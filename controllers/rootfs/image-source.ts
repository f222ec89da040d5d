// Reads an image from where it is. Every byte is compared with the digest that it is asked for by.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Repository } from '../registry/repository.ts';
import { wantedManifest } from './image-location.ts';
import type { ImageLocation } from './image-location.ts';
import { readPieces } from './read-pieces.ts';
import { checkConfig, ImageError, parseManifest } from './image-manifest.ts';
import type { Descriptor, ImageManifest } from './image-manifest.ts';

export interface ImageSource {
  /** The manifest, or index, that was asked for. */
  top(signal: AbortSignal): Promise<Uint8Array>;
  /** Unchecked bytes of a blob or of a manifest named by an index. */
  blob(
    descriptor: Descriptor,
    isManifest: boolean,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>>;
}

/** Of what is read at once: manifests and configurations. */
const SMALL_BYTES = 4 << 20;
const MOST_INDEXES = 3;

export function registryImage(
  repository: Repository,
  location: Extract<ImageLocation, { readonly kind: 'registry' }>,
): ImageSource {
  return {
    async top(signal) {
      const { content } = await repository.manifest(wantedManifest(location.reference), signal);
      return content;
    },
    async blob({ digest }, isManifest, signal) {
      if (!isManifest) return repository.blob(digest, signal);
      const { content } = await repository.manifest(digest, signal);
      return pieces(content);
    },
  };
}

/** @param folder of an OCI layout on this machine */
export function layoutImage(folder: string): ImageSource {
  return {
    async top(signal) {
      try {
        return await readFile(join(folder, 'index.json'), { signal });
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw new ImageError(`${folder} is no OCI layout: ${(error as Error).message}`);
      }
    },
    async blob({ digest }, _, signal) {
      return readPieces(join(folder, 'blobs', 'sha256', digest.slice('sha256:'.length)), signal);
    },
  };
}

export interface ResolvedImage {
  readonly manifest: ImageManifest;
  /** Of the manifest for the platform. */
  readonly digest: string;
}

/** Finds the manifest for an architecture; no layer is read. @throws ImageError | RegistryError */
export async function resolveImageManifest(
  source: ImageSource,
  { architecture, tag }: { readonly architecture: string; readonly tag?: string | undefined },
  signal: AbortSignal,
): Promise<ResolvedImage> {
  let content = await source.top(signal);
  let wanted = tag;
  for (let depth = 0; depth <= MOST_INDEXES; depth += 1) {
    const found = parseManifest(content, architecture, wanted);
    if (found.kind === 'manifest') {
      checkConfig(await small(source, found.manifest.config, false, signal), architecture);
      const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
      return { manifest: found.manifest, digest };
    }
    wanted = undefined;
    // An index leads to the next one.
    content = await small(source, found.next, true, signal);
  }
  throw new ImageError('the image is an index of indexes without end');
}

/** The bytes of a blob; the end of the loop throws when they are not those of its digest. */
export async function* checkedBlob(
  source: ImageSource,
  descriptor: Descriptor,
  isManifest: boolean,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of await source.blob(descriptor, isManifest, signal)) {
    size += piece.length;
    if (size > descriptor.size)
      throw new ImageError(
        `${descriptor.digest} is longer than the ${descriptor.size} bytes promised`,
      );
    hash.update(piece);
    yield piece;
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== descriptor.digest)
    throw new ImageError(
      `what came for ${descriptor.digest} is ${found}, ${size} of ${descriptor.size} bytes`,
    );
}

async function small(
  source: ImageSource,
  descriptor: Descriptor,
  isManifest: boolean,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (descriptor.size > SMALL_BYTES)
    throw new ImageError(
      `${descriptor.digest} has ${descriptor.size} bytes, ${SMALL_BYTES} is the most`,
    );
  const parts: Uint8Array[] = [];
  for await (const part of checkedBlob(source, descriptor, isManifest, signal)) parts.push(part);
  return Buffer.concat(parts);
}

async function* pieces(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}
