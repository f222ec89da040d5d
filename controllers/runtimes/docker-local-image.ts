// Reads an image out of a Docker Engine, layer by layer, for sending it elsewhere.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type Docker from 'dockerode';
import { extract } from 'tar-stream';
import { connectTo, DEFAULT_HOST, codeOf, reasonOf } from './docker-connection.ts';

export interface LocalImage {
  /** `sha256:…` */
  readonly id: string;
  /** Digests of the uncompressed layers, the lowest first. */
  readonly layers: readonly string[];
  readonly sizeBytes: number;
}

export interface ExportedImage {
  readonly config: Buffer;
  /** Files of the layers that were wanted, by digest. */
  readonly files: ReadonlyMap<string, string>;
}

/** The image is not there, or the Engine is not: the message says what to do. */
export class LocalImageError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LocalImageError';
  }
}

const JSON_LIMIT_BYTES = 8 << 20;
const JSON_TOTAL_BYTES = 64 << 20;
/** Engines with the image store of containerd write layers as they were pulled. */
const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

export class LocalEngine {
  readonly #host: string;
  readonly #docker: Docker;

  /** @param host as DOCKER_HOST; the usual socket when absent. @throws LocalImageError for a form that is not known */
  constructor(host: string | undefined) {
    this.#host = host === undefined || host === '' ? DEFAULT_HOST : host;
    try {
      this.#docker = connectTo(this.#host);
    } catch (error) {
      throw new LocalImageError((error as Error).message, error);
    }
  }

  /** @throws LocalImageError */
  async find(name: string): Promise<LocalImage> {
    try {
      const { Id, RootFS, Size } = await this.#docker.getImage(name).inspect();
      return { id: Id, layers: RootFS.Layers ?? [], sizeBytes: Size };
    } catch (error) {
      if (codeOf(error) === 404)
        throw new LocalImageError(
          `the Docker Engine at ${this.#host} has no image ${name}: build it with docker build -t ${name}, or look with docker images`,
          error,
        );
      throw new LocalImageError(
        `Cannot reach a Docker Engine at ${this.#host}: ${reasonOf(error)}; start it, or set DOCKER_HOST`,
        error,
      );
    }
  }

  /**
   * Writes the wanted layers into a folder. What is written fits its digest.
   *
   * @throws LocalImageError; a system error such as ENOSPC
   */
  async export(
    image: LocalImage,
    name: string,
    wanted: ReadonlySet<string>,
    folder: string,
    signal: AbortSignal,
  ): Promise<ExportedImage> {
    const archive = await this.#docker.getImage(name).get();
    const reading = new ArchiveReader(wanted, folder);
    const tar = extract();
    const feeding = pipeline(archive, tar as unknown as NodeJS.WritableStream, { signal });
    // Told below, when what reads it has ended.
    feeding.catch((error: Error) => tar.destroy(error));
    for await (const entry of tar) await reading.take(entry.header, entry as AsyncIterable<Buffer>);
    await feeding;
    const config = reading.config();
    const lost = [...wanted].filter((layer) => !reading.files.has(layer));
    if (config === undefined || lost.length > 0)
      throw new LocalImageError(
        `the Docker Engine at ${this.#host} wrote an archive of ${image.id} that lacks ${lost[0] ?? 'its configuration'}: was the image removed or built anew meanwhile? Try again`,
      );
    return { config, files: reading.files };
  }
}

interface EntryHeader {
  readonly name: string;
  readonly type: string;
  readonly size: number;
}

/** Takes the entries of an archive as `docker save` writes it, whose list of contents comes last. */
class ArchiveReader {
  readonly files = new Map<string, string>();
  readonly #wanted: ReadonlySet<string>;
  readonly #folder: string;
  readonly #documents = new Map<string, Buffer>();
  #documentBytes = 0;
  #count = 0;

  constructor(wanted: ReadonlySet<string>, folder: string) {
    this.#wanted = wanted;
    this.#folder = folder;
  }

  /** Reads the entry to its end. */
  async take({ name, type, size }: EntryHeader, content: AsyncIterable<Buffer>): Promise<void> {
    // Names do not tell which layer an entry is, the bytes do. Only documents lie at the top, or are small among the blobs.
    const isDocument = /^[^/]+$/.test(name) || name.endsWith('.json');
    if (type !== 'file' || size === 0) await drain(content);
    else if ((isDocument || name.startsWith('blobs/')) && this.#mayHold(size))
      await this.#takeSmall(name, isDocument, content);
    else await this.#takeLayer(content);
  }

  config(): Buffer | undefined {
    const [manifest] = (parsed(this.#documents.get('manifest.json')) ?? []) as readonly unknown[];
    const { Config: name } = (manifest ?? {}) as { readonly Config?: unknown };
    return typeof name === 'string' ? this.#documents.get(name) : undefined;
  }

  #mayHold(size: number): boolean {
    return size <= JSON_LIMIT_BYTES && this.#documentBytes + size <= JSON_TOTAL_BYTES;
  }

  /** A document, or a small layer: with its bytes at hand, it is kept as both. */
  async #takeSmall(
    name: string,
    isDocument: boolean,
    content: AsyncIterable<Buffer>,
  ): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of content) parts.push(part);
    const bytes = Buffer.concat(parts);
    this.#documents.set(name, bytes);
    this.#documentBytes += bytes.length;
    if (!isDocument) await this.#takeLayer(Readable.from([bytes]));
  }

  async #takeLayer(content: AsyncIterable<Buffer>): Promise<void> {
    this.#count += 1;
    const path = join(this.#folder, `entry-${this.#count}`);
    const digest = await writePlain(content, path);
    if (!this.#wanted.has(digest) || this.files.has(digest)) {
      await rm(path);
      return;
    }
    const file = join(this.#folder, `${digest.replace('sha256:', '')}.tar`);
    await rename(path, file);
    this.files.set(digest, file);
  }
}

/** Writes it uncompressed. @returns its digest */
async function writePlain(content: AsyncIterable<Buffer>, path: string): Promise<string> {
  const hash = createHash('sha256');
  const chunks = content[Symbol.asyncIterator]();
  const { value: first } = await chunks.next();
  async function* all(): AsyncGenerator<Buffer> {
    if (first !== undefined) yield first as Buffer;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  async function* hashing(plain: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of plain) {
      hash.update(chunk);
      yield chunk;
    }
  }
  const file = createWriteStream(path, { mode: 0o600 });
  const begins = (magic: Buffer): boolean =>
    first !== undefined && (first as Buffer).subarray(0, magic.length).equals(magic);
  if (begins(GZIP)) await pipeline(all(), createGunzip(), hashing, file);
  else if (begins(ZSTD)) await pipeline(all(), createZstdDecompress(), hashing, file);
  else await pipeline(all(), hashing, file);
  return `sha256:${hash.digest('hex')}`;
}

async function drain(content: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of content) continue;
}

function parsed(text: Buffer | undefined): unknown {
  try {
    return JSON.parse(text?.toString('utf8') ?? '[]');
  } catch {
    return [];
  }
}
