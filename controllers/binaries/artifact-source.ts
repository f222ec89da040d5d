// Where the bytes of an artifact may come from, one interface for all.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ArtifactError } from './artifact-error.ts';
import { READ_BYTES } from './digest.ts';
import type { Headers } from './http-answer.ts';
import type { Download, FetchContext, HttpFetcher } from './http-fetcher.ts';
import type { Sink } from './partial-file.ts';
import { redactURL } from './redact-url.ts';

export interface ArtifactSource {
  /** For people; without credentials. */
  readonly name: string;
  /** Two of the same are asked in the same way; it may hold credentials, and is never shown. Absent: there is no other such source. */
  readonly identity?: string;
  /** Writes the whole into the sink, behind what is in it where that fits. @throws ArtifactError, or the signal's reason */
  fill(sink: Sink, limitBytes: number, context: FetchContext): Promise<void>;
}

export function httpSource(
  http: Pick<HttpFetcher, 'download'>,
  address: Pick<Download, 'url' | 'headers'>,
): ArtifactSource {
  return {
    name: redactURL(address.url),
    identity: JSON.stringify([address.url, address.headers]),
    fill: (sink, limitBytes, context) => http.download({ ...address, limitBytes }, sink, context),
  };
}

/** What knows where a registry keeps a blob, and what to send along. */
export interface BlobLocator {
  blobLocation(
    digest: string,
    signal: AbortSignal,
  ): Promise<{ readonly url: URL; readonly headers: Headers }>;
}

/**
 * A blob of a registry. Where it is asked for only when it is needed.
 *
 * @param digest in hex
 * @param mayBePlain whether the login may go over plain HTTP to another machine
 */
export function blobSource(
  http: Pick<HttpFetcher, 'download'>,
  registry: BlobLocator,
  digest: string,
  mayBePlain = false,
): ArtifactSource {
  return {
    name: `blob sha256:${digest}`,
    async fill(sink, limitBytes, context) {
      const { url, headers } = await registry.blobLocation(`sha256:${digest}`, context.signal);
      await http.download({ url: url.href, headers, mayBePlain, limitBytes }, sink, context);
    },
  };
}

/** @param path on this machine; links are followed */
export function fileSource(path: string): ArtifactSource {
  return {
    name: path,
    identity: path,
    async fill(sink, limitBytes, { signal, onProgress }) {
      const size = await sizeOf(path);
      if (size > limitBytes)
        throw new ArtifactError(
          'TooLarge',
          `${path} is larger than the limit of ${limitBytes} bytes`,
        );
      await sink.begin();
      const stream = createReadStream(path, { highWaterMark: READ_BYTES, signal });
      for await (const chunk of stream) {
        // A file may grow while it is read.
        if (sink.size + (chunk as Buffer).length > limitBytes)
          throw new ArtifactError('TooLarge', `${path} grows beyond ${limitBytes} bytes`);
        await sink.write(chunk as Buffer);
        onProgress?.(sink.size, size);
      }
    },
  };
}

/** @throws ArtifactError `NotFound` for anything but a file that can be read */
export async function sizeOf(path: string): Promise<number> {
  try {
    const info = await stat(path);
    if (info.isFile()) return info.size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new ArtifactError('NotFound', `${path} cannot be read: ${(error as Error).message}`);
    throw new ArtifactError('NotFound', `${path} does not exist`);
  }
  throw new ArtifactError('NotFound', `${path} is no file`);
}
