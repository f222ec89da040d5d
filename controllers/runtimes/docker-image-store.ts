// The images of a Docker Engine. The Engine keeps a layer once, for the chain of layers below it, and lets an archive leave out what it
// has: so only what is new needs to travel.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import type { Pack } from 'tar-stream';
import { ignoreMissing } from './docker-connection.ts';
import type { ImageArchive, ImageName, ImageStore, StoredImage } from './image-store.ts';

/** What the Engine calls an image without a name. */
const NAMELESS = '<none>';
const CONTAINERD_STORE = 'io.containerd.snapshotter.v1';

export class DockerImageStore implements ImageStore {
  readonly #docker: Docker;
  /** Layers of an image never change. */
  readonly #layers = new Map<string, readonly string[]>();

  constructor(docker: Docker) {
    this.#docker = docker;
  }

  async list(): Promise<readonly StoredImage[]> {
    const images = await this.#docker.listImages();
    return images
      .map(({ RepoTags, RepoDigests, Size }) => {
        // The Engine gives null for an empty list.
        const lists: readonly (readonly string[] | null | undefined)[] = [RepoDigests, RepoTags];
        const names = lists.flatMap((list) => list ?? []);
        return { names: names.filter((name) => !name.includes(NAMELESS)), sizeBytes: Size };
      })
      .filter(({ names }) => names.length > 0);
  }

  async idOf(reference: string): Promise<string | undefined> {
    const found = await this.#docker.getImage(reference).inspect().catch(ignoreMissing);
    return found?.Id;
  }

  async knownLayers(diffIDs: readonly string[]): Promise<number> {
    const info = (await this.#docker.info()) as {
      readonly DriverStatus?: readonly (readonly string[])[] | null;
    };
    // It keeps content by the digest of its compressed form, and cannot leave anything out of an archive.
    if ((info.DriverStatus ?? []).some(([, value]) => value === CONTAINERD_STORE)) return 0;
    const images = await this.#docker.listImages({ all: true });
    const there = new Set(images.map(({ Id }) => Id));
    for (const id of this.#layers.keys()) if (!there.has(id)) this.#layers.delete(id);
    let most = 0;
    for (const id of there) {
      const layers = await this.#layersOf(id);
      const differ = diffIDs.findIndex((layer, at) => layers[at] !== layer);
      most = Math.max(most, differ < 0 ? diffIDs.length : differ);
    }
    return most;
  }

  async tag(id: string, { repository, tag }: ImageName): Promise<void> {
    await this.#docker.getImage(id).tag({ repo: repository, tag });
  }

  async load(archive: ImageArchive, signal: AbortSignal): Promise<void> {
    const tar = pack();
    const writing = writeArchive(tar, archive).catch((error: Error) => tar.destroy(error));
    const abort = (): void => tar.destroy(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    try {
      const body = Readable.from(tar as AsyncIterable<Buffer>);
      const answer: NodeJS.ReadableStream = await this.#docker.loadImage(body, { quiet: true });
      await new Promise<void>((resolve, reject) => {
        this.#docker.modem.followProgress(answer, (error) => {
          if (error === null || error === undefined) resolve();
          else reject(error);
        });
      });
      await writing;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async #layersOf(id: string): Promise<readonly string[]> {
    const known = this.#layers.get(id);
    if (known !== undefined) return known;
    const found = await this.#docker.getImage(id).inspect().catch(ignoreMissing);
    const layers = found?.RootFS.Layers ?? [];
    this.#layers.set(id, layers);
    return layers;
  }
}

/** As `docker save` writes it, without the layers that the Engine has. */
async function writeArchive(tar: Pack, { config, layers, name }: ImageArchive): Promise<void> {
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`;
  const fileOf = (diffID: string): string => `${diffID.replace(/^sha256:/, '')}.tar`;
  const manifest = [
    {
      Config: configName,
      RepoTags: [`${name.repository}:${name.tag}`],
      Layers: layers.map(({ diffID }) => fileOf(diffID)),
    },
  ];
  tar.entry({ name: configName }, config);
  const written = new Set<string>();
  for (const { diffID, file } of layers) {
    if (file === undefined || written.has(diffID)) continue;
    written.add(diffID);
    const { size } = await stat(file);
    // One after another: a tar file is a sequence.
    const entry = tar.entry({ name: fileOf(diffID), size });
    await pipeline(createReadStream(file), entry as unknown as NodeJS.WritableStream);
  }
  tar.entry({ name: 'manifest.json' }, JSON.stringify(manifest));
  tar.finalize();
}
