// Images as artifacts: manifests and layers are files with a SHA-256 for a name already, so the store keeps them as they are.
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import { ArtifactError } from '../binaries/artifact-error.ts';
import type { ArtifactFetcher } from '../binaries/artifact-fetcher.ts';
import { blobSource } from '../binaries/artifact-source.ts';
import type { FetchContext } from '../binaries/http-fetcher.ts';
import { chooseManifest, ImageError, parseManifest } from '../binaries/image-manifest.ts';
import type {
  ImageManifest,
  ImageParts,
  ManifestBlob,
  PlatformManifest,
} from '../binaries/image-manifest.ts';
import type { Client } from '../machinery/client-types.ts';
import { ImageReferenceError, parseImageReference } from '../machinery/image-reference.ts';
import { findLogins } from '../registry/logins.ts';
import { RegistryError } from '../registry/registry-error.ts';
import { Repository } from '../registry/repository.ts';
import type { Manifest } from '../registry/repository.ts';
import { Transport } from '../registry/transport.ts';

export interface ImageFetcherOptions {
  readonly fetcher: ArtifactFetcher;
  readonly client: Pick<Client, 'get'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly userAgent: string;
  readonly dockerFolder: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface WantedImage {
  readonly namespace: string;
  readonly image: string;
  /** Name of the Secret with the login. */
  readonly secret: string | undefined;
  readonly os: string;
  readonly architecture: string;
  /** Hex; of the manifest, or of the one layer. */
  readonly sha256: string | undefined;
  /** The one layer is what is wanted, not the image. */
  readonly isFile: boolean;
}

export interface FetchedImage {
  /** Hex. */
  readonly digest: string;
  readonly size: number;
  /** Whether anything had to be fetched. */
  readonly isFetched: boolean;
}

/** Close it to give the sockets back. */
export class ImageFetcher implements AsyncDisposable {
  readonly #options: ImageFetcherOptions;
  readonly #transport: Transport;

  constructor(options: ImageFetcherOptions) {
    this.#options = options;
    this.#transport = new Transport(options);
  }

  /** In the store and verified when it resolves. @throws ArtifactError, or the signal's reason */
  async fetch(wanted: WantedImage, context: FetchContext): Promise<FetchedImage> {
    try {
      return await this.#fetch(wanted, context);
    } catch (error) {
      if (context.signal.aborted) throw context.signal.reason;
      throw asArtifactError(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  async #fetch(wanted: WantedImage, context: FetchContext): Promise<FetchedImage> {
    const { signal } = context;
    const reference = parseImageReference(wanted.image);
    const { namespace, secret } = wanted;
    const secrets = { namespace, names: secret === undefined ? [] : [secret] };
    const logins = await findLogins(this.#options, reference, secrets, signal);
    const repository = new Repository(this.#transport, reference, logins);
    const top = await repository.manifest(reference.digest ?? reference.tag ?? 'latest', signal);
    const topHex = top.digest.slice('sha256:'.length);
    const { isFile, sha256 } = wanted;
    if (!isFile && sha256 !== undefined && sha256 !== topHex)
      throw new ArtifactError(
        'ChecksumMismatch',
        `image ${wanted.image} has the digest sha256:${topHex}, and should have sha256:${sha256}; nothing was replaced`,
      );
    const manifests = [top];
    const parts = await this.#parts(repository, top, wanted, manifests, signal);
    if (isFile) return this.#file(repository, parts.layers, wanted, context);
    let size = 0;
    let isFetched = false;
    for (const blob of [parts.config, ...parts.layers]) {
      const found = await this.#blob(repository, blob, context);
      size += found.size;
      isFetched ||= found.source !== undefined;
    }
    // The manifests last: where they are, everything they name is.
    for (const manifest of manifests.toReversed()) {
      await this.#keep(manifest, signal);
      size += manifest.content.length;
    }
    return { digest: topHex, size, isFetched };
  }

  async #parts(
    repository: Repository,
    top: Manifest,
    { image, os, architecture }: WantedImage,
    manifests: Manifest[],
    signal: AbortSignal,
  ): Promise<ImageParts> {
    let manifest = readManifest(top, image);
    if (manifest.kind === 'index') {
      const entry = chosen(manifest.manifests, { os, architecture }, image);
      const found = await repository.manifest(`sha256:${entry.digest}`, signal);
      manifests.push(found);
      manifest = readManifest(found, image);
    }
    if (manifest.kind === 'image') return manifest;
    throw new ArtifactError('Refused', `image ${image} is an index of indexes`);
  }

  async #file(
    repository: Repository,
    layers: readonly ManifestBlob[],
    { image, sha256 }: WantedImage,
    context: FetchContext,
  ): Promise<FetchedImage> {
    const [layer, ...more] = layers;
    if (layer === undefined || more.length > 0)
      throw new ArtifactError(
        'Refused',
        `${image} has ${layers.length} layers: a file is an OCI artifact with one; use type OCIImage for an image`,
      );
    if (sha256 !== undefined && sha256 !== layer.digest)
      throw new ArtifactError(
        'ChecksumMismatch',
        `the layer of ${image} has the digest sha256:${layer.digest}, and should have sha256:${sha256}; nothing was replaced`,
      );
    const { digest, size, source } = await this.#blob(repository, layer, context);
    return { digest, size, isFetched: source !== undefined };
  }

  #blob(repository: Repository, { digest, size }: ManifestBlob, context: FetchContext) {
    const { fetcher } = this.#options;
    return fetcher.ensure(
      {
        digest: { sha256: digest },
        limitBytes: size,
        sources: [blobSource(fetcher.http, repository, digest)],
      },
      context,
    );
  }

  async #keep({ digest, content }: Manifest, signal: AbortSignal): Promise<void> {
    await this.#options.fetcher.store.obtain(
      digest.slice('sha256:'.length),
      async (partial) => {
        await partial.begin();
        await partial.write(content);
      },
      signal,
    );
  }
}

function readManifest({ content }: Manifest, image: string): ImageManifest {
  try {
    return parseManifest(content);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ArtifactError('Refused', `image ${image} cannot be read: ${error.message}`);
  }
}

function chosen(
  manifests: readonly PlatformManifest[],
  wanted: { readonly os: string; readonly architecture: string },
  image: string,
): PlatformManifest {
  try {
    return chooseManifest(manifests, wanted);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ArtifactError('NotFound', `image ${image}: ${error.message}`);
  }
}

function asArtifactError(error: unknown): unknown {
  if (error instanceof ImageReferenceError) return new ArtifactError('Invalid', error.message);
  if (!(error instanceof RegistryError)) return error;
  const failure = (
    {
      unauthorized: 'Refused',
      missing: 'NotFound',
      unreachable: 'Unreachable',
      refused: 'Refused',
    } as const
  )[error.failure];
  return new ArtifactError(failure, error.message);
}
