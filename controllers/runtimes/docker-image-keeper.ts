// The images of a Docker Engine, as far as removing them goes.
import { statfs } from 'node:fs/promises';
import type Docker from 'dockerode';
import { codeOf } from './docker-connection.ts';
import type { ImageKeeper } from './image-keeper.ts';

export class DockerImageKeeper implements ImageKeeper {
  readonly #docker: Docker;

  constructor(docker: Docker) {
    this.#docker = docker;
  }

  async sizes(): Promise<ReadonlyMap<string, number>> {
    const images = await this.#docker.listImages();
    return new Map(images.map(({ Id, Size }) => [Id, Size]));
  }

  async inUse(): Promise<ReadonlySet<string>> {
    const containers = await this.#docker.listContainers({ all: true });
    return new Set(containers.map(({ ImageID }) => ImageID));
  }

  /** An Engine elsewhere has its disk elsewhere. */
  async disk(): ReturnType<ImageKeeper['disk']> {
    const info = (await this.#docker.info()) as { readonly DockerRootDir?: string };
    if (info.DockerRootDir === undefined) return undefined;
    const found = await statfs(info.DockerRootDir).catch(() => undefined);
    if (found === undefined) return undefined;
    // As df: what only root may still fill does not count.
    const usable = found.blocks - (found.bfree - found.bavail);
    return { totalBytes: usable * found.bsize, freeBytes: found.bavail * found.bsize };
  }

  async remove(names: readonly string[]): Promise<boolean> {
    for (const name of names) {
      try {
        await this.#docker.getImage(name).remove();
      } catch (error) {
        // Somebody else removed it, or has begun to use it.
        if (codeOf(error) === 409) return false;
        if (codeOf(error) !== 404) throw error;
      }
    }
    return true;
  }
}
