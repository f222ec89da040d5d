// What the Engine has of ours. Each look lists once and inspects only what may have changed since the last: the Engine's events say
// what did, and a state that differs from the list gives away what they did not.
import type Docker from 'dockerode';
import type { ContainerInspectInfo } from 'dockerode';
import { ignoreMissing } from './docker-connection.ts';
import { isSandbox, labelFilter } from './docker-labels.ts';

export interface Inventory {
  readonly containers: readonly ContainerInspectInfo[];
  readonly sandboxes: readonly ContainerInspectInfo[];
}

export class DockerInventory {
  readonly #docker: Docker;
  readonly #owner: string;
  readonly #known = new Map<string, ContainerInspectInfo>();
  /** Grows with each call of forget(): an inspection that began before is not kept. */
  #generation = 0;

  constructor(docker: Docker, owner: string) {
    this.#docker = docker;
    this.#owner = owner;
  }

  /** Something happened to a container; undefined: nobody knows to which. */
  forget(id: string | undefined): void {
    this.#generation += 1;
    if (id === undefined) this.#known.clear();
    else this.#known.delete(id);
  }

  /** @param more narrows it, as `label=value` */
  async look(...more: readonly string[]): Promise<Inventory> {
    const filters = { label: [labelFilter(this.#owner), ...more] };
    const listed = await this.#docker.listContainers({ all: true, filters });
    const found = await Promise.all(listed.map(({ Id, State }) => this.#inspect(Id, State)));
    if (more.length === 0) {
      const there = new Set(listed.map(({ Id }) => Id));
      for (const id of this.#known.keys()) if (!there.has(id)) this.#known.delete(id);
    }
    const infos = found.filter((info) => info !== undefined);
    return {
      containers: infos.filter(({ Config }) => !isSandbox(Config.Labels)),
      sandboxes: infos.filter(({ Config }) => isSandbox(Config.Labels)),
    };
  }

  async #inspect(id: string, state: string): Promise<ContainerInspectInfo | undefined> {
    const known = this.#known.get(id);
    if (known?.State.Status === state) return known;
    const generation = this.#generation;
    const info = await this.#docker.getContainer(id).inspect().catch(ignoreMissing);
    if (info !== undefined && generation === this.#generation) this.#known.set(id, info);
    return info;
  }
}
