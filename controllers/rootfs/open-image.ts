// From the text of an image to where it can be read: a registry, a layout of this machine, an archive that is fetched first.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { extract } from 'tar-stream';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { ArtifactFetcher } from '../binaries/artifact-fetcher.ts';
import { ImageError } from '../binaries/image-manifest.ts';
import { PartialFile } from '../binaries/partial-file.ts';
import type { RegistryLogin } from '../machinery/docker-config.ts';
import type { ImageReference } from '../machinery/image-reference.ts';
import { Repository } from '../registry/repository.ts';
import { Transport } from '../registry/transport.ts';
import { bounded } from './bounded.ts';
import { parseImageLocation } from './image-location.ts';
import { layoutImage, registryImage } from './image-source.ts';
import type { ImageSource } from './image-source.ts';
import { partsOf } from './image-tree.ts';

export interface OpenedImage extends AsyncDisposable {
  readonly source: ImageSource;
  /** In a layout: which image of it. */
  readonly tag: string | undefined;
}

export interface ImageOpener {
  /** @throws ImageLocationError | ImageReferenceError | ImageError | RegistryError | ArtifactError */
  open(image: string, signal: AbortSignal): Promise<OpenedImage>;
}

export interface ImageOpenerOptions {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly fetcher: ArtifactFetcher;
  readonly workFolder: string;
  /** For a registry; tried in this order. */
  readonly logins: (
    reference: ImageReference,
    signal: AbortSignal,
  ) => Promise<readonly RegistryLogin[]>;
}

const MOST_ARCHIVE_BYTES = 32 * 2 ** 30;
/** Of what comes out of one: layers are packed themselves. */
const MOST_BYTES = 64 * 2 ** 30;
/** Of an archived layout: each is one blob, so thousands would be no image. */
const MOST_ARCHIVE_FILES = 2_000;

export function imageOpener(options: ImageOpenerOptions): ImageOpener {
  const { clock } = options;
  return {
    async open(image, signal) {
      const location = parseImageLocation(image);
      switch (location.kind) {
        case 'layout':
          return { source: layoutImage(location.path), tag: location.tag, ...nothingToDispose };
        case 'archive':
          return openArchive(location.url, options, signal);
        case 'registry': {
          const { reference, mayBePlain } = location;
          const transport = new Transport({
            clock,
            userAgent: 'windlass-controllers',
            plainHTTP: mayBePlain ? [reference.domain] : [],
            timeoutMs: 30_000,
          });
          const logins = await options.logins(reference, signal);
          const repository = new Repository(transport, reference, logins);
          return {
            source: registryImage({ clock, fetcher: options.fetcher, repository }, location),
            tag: undefined,
            [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
          };
        }
      }
    },
  };
}

const nothingToDispose: AsyncDisposable = { [Symbol.asyncDispose]: async () => undefined };

async function openArchive(
  url: URL,
  { fetcher, workFolder, ids }: ImageOpenerOptions,
  signal: AbortSignal,
): Promise<OpenedImage> {
  const folder = join(workFolder, `layout-${ids.hex(16)}`);
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await mkdir(join(folder, 'blobs', 'sha256'), { recursive: true, mode: 0o700 });
    // Nobody published its digest; those of what it holds are compared when that is read.
    const archive = await PartialFile.create(join(folder, 'archive'), undefined);
    try {
      const wanted = { url: url.href, limitBytes: MOST_ARCHIVE_BYTES };
      await fetcher.http.download(wanted, archive, { signal });
      await unpackLayout(archive.path, folder, signal);
    } finally {
      await archive.discard();
    }
    return { source: layoutImage(folder), tag: undefined, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Files of a layout only: `index.json`, `oci-layout`, `blobs/sha256/<hex>`. */
async function unpackLayout(archive: string, folder: string, signal: AbortSignal): Promise<void> {
  const entries = extract();
  const isGzip = await beginsAsGzip(archive);
  const reading = (async () => {
    let count = 0;
    for await (const entry of entries) {
      const name = partsOf(entry.header.name).join('/');
      const isFile = entry.header.type === 'file';
      if (isFile && /^(index\.json|oci-layout|blobs\/sha256\/[0-9a-f]{64})$/.test(name)) {
        count += 1;
        if (count > MOST_ARCHIVE_FILES)
          throw new ImageError(`the archive has more than ${MOST_ARCHIVE_FILES} blobs`);
        const file = await open(join(folder, name), 'w', 0o600);
        await pipeline(entry, file.createWriteStream(), { signal });
      }
      entry.resume();
    }
  })();
  const unpacker = isGzip ? [createGunzip()] : [];
  try {
    await Promise.all([
      pipeline(
        [createReadStream(archive), ...unpacker, bounded(MOST_BYTES, 'the archive'), entries],
        { signal },
      ),
      reading,
    ]);
  } catch (error) {
    entries.destroy();
    await reading.catch(() => undefined);
    throw error;
  }
}

async function beginsAsGzip(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}
