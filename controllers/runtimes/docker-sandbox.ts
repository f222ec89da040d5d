// What the containers of one Pod share: a container that only sleeps holds network, IPC and, where asked for, process namespaces. Its
// address and its published ports stay while containers come and go. It is found again by its labels after a restart of the agent.
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { ContainerCreateOptions, ContainerInspectInfo } from 'dockerode';
import type { Logger } from '#platform/logging.ts';
import { codeOf, ignoreCodes, ignoreMissing, reasonOf } from './docker-connection.ts';
import type { DockerInventory } from './docker-inventory.ts';
import { LABELS, sandboxLabels } from './docker-labels.ts';
import { PAUSE_IMAGE, PAUSE_PATH, pauseArchive } from './docker-pause.ts';
import { StartError } from './runtime.ts';
import type { PodSandbox, PodSandboxSpec } from './runtime.ts';

export interface DockerSandboxesOptions {
  readonly docker: Docker;
  readonly inventory: DockerInventory;
  readonly owner: string;
  readonly logger: Logger;
}

const JOINED = /^container:/;
/** For containers that lost their network. */
const REPAIR_GRACE_SECONDS = 10;

export class DockerSandboxes {
  readonly #options: DockerSandboxesOptions;
  /** One at a time for each Pod. */
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(options: DockerSandboxesOptions) {
    this.#options = options;
  }

  /** @throws StartError CreatePodSandboxError */
  prepare(spec: PodSandboxSpec, signal: AbortSignal): Promise<PodSandbox> {
    // The machine's namespaces need nobody to hold them.
    if (spec.hostNetwork && !spec.shareProcessNamespace) return Promise.resolve({ spec, ips: [] });
    return this.#inTurn(spec.podUID, () => this.#prepare(spec, signal));
  }

  remove(podUID: string): Promise<void> {
    return this.#inTurn(podUID, async () => {
      const { sandboxes } = await this.#look(podUID);
      for (const { Id } of sandboxes) await this.#removeOne(Id);
    });
  }

  /** Stops containers whose sandbox is gone: they have no network, and get another when they are started again. */
  async repair(): Promise<void> {
    const { containers, sandboxes } = await this.#options.inventory.look();
    await this.#stopStranded(containers, sandboxes);
  }

  async #prepare(spec: PodSandboxSpec, signal: AbortSignal): Promise<PodSandbox> {
    const { docker, owner, inventory } = this.#options;
    const { containers, sandboxes } = await this.#look(spec.podUID);
    const running = sandboxes.find(({ State }) => State.Running);
    if (running !== undefined) return sandboxOf(spec, running);
    await this.#stopStranded(containers, []);
    for (const { Id } of sandboxes) await this.#removeOne(Id);
    let id: string | undefined;
    try {
      await this.#haveImage();
      signal.throwIfAborted();
      const container = await docker.createContainer(sandboxOptions(spec, owner));
      ({ id } = container);
      await container.start();
      inventory.forget(id);
      return sandboxOf(spec, await container.inspect());
    } catch (error) {
      if (id !== undefined) await this.#removeOne(id).catch(() => undefined);
      signal.throwIfAborted();
      throw new StartError(
        'CreatePodSandboxError',
        `Cannot make the network of Pod ${spec.pod}: ${reasonOf(error)}`,
        error,
      );
    }
  }

  async #haveImage(): Promise<void> {
    const { docker } = this.#options;
    const found = await docker.getImage(PAUSE_IMAGE).inspect().catch(ignoreMissing);
    if (found !== undefined) return;
    const info = (await docker.info()) as { readonly Architecture: string };
    const [repo, tag] = PAUSE_IMAGE.split(':');
    const progress = await docker.importImage(Readable.from([pauseArchive(info.Architecture)]), {
      repo,
      tag,
    });
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(error);
      });
    });
  }

  async #stopStranded(
    containers: readonly ContainerInspectInfo[],
    sandboxes: readonly ContainerInspectInfo[],
  ): Promise<void> {
    const { docker, logger } = this.#options;
    const alive = new Set(sandboxes.filter(({ State }) => State.Running).map(({ Id }) => Id));
    const stranded = containers.filter(({ State, HostConfig: { NetworkMode = '' } }) => {
      return (
        State.Running && JOINED.test(NetworkMode) && !alive.has(NetworkMode.replace(JOINED, ''))
      );
    });
    await Promise.all(
      stranded.map(async ({ Id, Config: { Labels } }) => {
        logger.warn('Stopping a container: what held the network of its Pod is gone', {
          pod: Labels[LABELS.pod],
          container: Labels[LABELS.container],
        });
        await docker
          .getContainer(Id)
          .stop({ t: REPAIR_GRACE_SECONDS })
          .catch(ignoreCodes(304, 404));
      }),
    );
  }

  #look(podUID: string): ReturnType<DockerInventory['look']> {
    return this.#options.inventory.look(`${LABELS.podUID}=${podUID}`);
  }

  async #removeOne(id: string): Promise<void> {
    const { docker, inventory } = this.#options;
    inventory.forget(id);
    await docker
      .getContainer(id)
      .remove({ force: true, v: true })
      .catch((error: unknown) => {
        // 409: its removal is under way.
        if (codeOf(error) !== 404 && codeOf(error) !== 409) throw error;
      });
  }

  #inTurn<T>(podUID: string, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(podUID) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => undefined);
    this.#queues.set(podUID, settled);
    void settled.then(() => {
      if (this.#queues.get(podUID) === settled) this.#queues.delete(podUID);
    });
    return mine;
  }
}

function sandboxOf(spec: PodSandboxSpec, info: ContainerInspectInfo): PodSandbox {
  return { spec, id: info.Id, ips: addressesOf(info) };
}

/** IPv4 first. */
export function addressesOf({ NetworkSettings }: ContainerInspectInfo): readonly string[] {
  const networks = Object.values(NetworkSettings.Networks);
  return networks
    .flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address])
    .filter((address) => typeof address === 'string' && address !== '');
}

function sandboxOptions(
  spec: PodSandboxSpec,
  owner: string,
): ContainerCreateOptions & { name: string } {
  const ports = spec.ports.map((port) => ({
    key: `${port.containerPort}/${port.protocol.toLowerCase()}`,
    binding: {
      HostIp: port.hostPort === undefined ? '127.0.0.1' : (port.hostIP ?? ''),
      HostPort: port.hostPort === undefined ? '' : String(port.hostPort),
    },
  }));
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { key, binding } of ports) {
    const others = (bindings[key] ??= []);
    // Two containers may declare one port: they share it.
    if (!others.some((other) => other.HostPort === binding.HostPort)) others.push(binding);
  }
  return {
    name: `windlass_${spec.pod}_${spec.namespace}_${spec.podUID}`,
    Image: PAUSE_IMAGE,
    Entrypoint: [PAUSE_PATH],
    Labels: { ...sandboxLabels(spec, owner) },
    ...(spec.hostNetwork ? {} : { Hostname: spec.hostname }),
    ExposedPorts: Object.fromEntries(ports.map(({ key }) => [key, {}])),
    HostConfig: {
      ...(spec.hostNetwork ? { NetworkMode: 'host' } : { PortBindings: bindings }),
      ...(spec.hostPID ? { PidMode: 'host' } : {}),
      IpcMode: spec.hostIPC ? 'host' : 'shareable',
      ...(spec.sharedMemoryBytes === undefined || spec.hostIPC
        ? {}
        : { ShmSize: spec.sharedMemoryBytes }),
      Sysctls: { ...spec.sysctls },
      ExtraHosts: spec.hostAliases.map(([name, address]) => `${name}:${address}`),
      Dns: [...spec.dns.servers],
      DnsSearch: [...spec.dns.searches],
      DnsOptions: [...spec.dns.options],
      RestartPolicy: { Name: '' },
      LogConfig: { Type: 'none', Config: {} },
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
    },
  };
}
