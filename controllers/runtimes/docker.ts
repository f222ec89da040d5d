// The Docker runtime: containers on a Docker Engine, through its socket. Labels say which containers are ours (of this agent) and
// what they are; nothing without our label is ever touched. Nothing is kept besides: after a restart the Engine knows it all.
// Containers of one Pod share the network of a container that only sleeps (docker-sandbox.ts).
import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import {
  codeOf,
  connectTo,
  DEFAULT_HOST,
  ignoreCodes,
  ignoreMissing,
  reasonOf,
} from './docker-connection.ts';
import { createOptions, isOurs, statusOf } from './docker-container.ts';
import { prepareImage } from './docker-image.ts';
import { DockerImageKeeper } from './docker-image-keeper.ts';
import { DockerImageStore } from './docker-image-store.ts';
import { bridgeGateway } from './docker-gateway.ts';
import { DockerInventory } from './docker-inventory.ts';
import { followEvents } from './docker-events.ts';
import type { EngineEvent } from './docker-events.ts';
import { LABELS } from './docker-labels.ts';
import { demultiplex, terminalLog } from './docker-log.ts';
import { DockerSandboxes } from './docker-sandbox.ts';
import { DockerSessions } from './docker-sessions.ts';
import { engineResources } from './docker-resources.ts';
import { usageOf } from './docker-usage.ts';
import { ensureVolume } from './docker-volume.ts';
import { checkLogDriver, checkSubPaths, imageUserOf } from './docker-checks.ts';
import { StartError } from './runtime.ts';
import type {
  ContainerPort,
  ContainerResources,
  ContainerSpec,
  ContainerStatus,
  ContainerUsage,
  EngineVolume,
  ExecResult,
  Gateway,
  ImageRequest,
  LogOptions,
  PodSandbox,
  PodSandboxSpec,
  PreparedImage,
  Runtime,
} from './runtime.ts';

export interface DockerRuntimeOptions {
  /** Marks containers as ours; stays the same over restarts. */
  readonly owner: string;
  /** `unix://…` or `tcp://…` as in DOCKER_HOST; /var/run/docker.sock by default. */
  readonly host: string | undefined;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
}

const MAXIMUM_OUTPUT_BYTES = 16 << 10;
const EVENTS_RETRY_MS = 1_000;

export class DockerRuntime implements Runtime {
  readonly name = 'docker';
  readonly sessions: DockerSessions;
  readonly images: DockerImageStore;
  readonly imageKeeper: DockerImageKeeper;
  readonly #options: DockerRuntimeOptions;
  readonly #docker: Docker;
  readonly #inventory: DockerInventory;
  readonly #sandboxes: DockerSandboxes;
  readonly #listeners = new Set<() => void>();
  readonly #lifetime = new AbortController();
  /** Created but not started yet, by this process: no failure, only not there yet. */
  readonly #starting = new Set<string>();
  #version = '';

  constructor(options: DockerRuntimeOptions) {
    this.#options = options;
    const { owner, logger } = options;
    this.#docker = connectTo(options.host ?? DEFAULT_HOST);
    this.images = new DockerImageStore(this.#docker);
    this.imageKeeper = new DockerImageKeeper(this.#docker);
    this.#inventory = new DockerInventory(this.#docker, owner);
    const docker = this.#docker;
    this.#sandboxes = new DockerSandboxes({ docker, inventory: this.#inventory, owner, logger });
    this.sessions = new DockerSessions({ ...options, docker });
  }

  get version(): string {
    return `docker://${this.#version}`;
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    try {
      this.#version = (await this.#docker.version()).Version;
    } catch (error) {
      throw new Error(
        `Cannot reach a Docker Engine at ${this.#options.host ?? DEFAULT_HOST}: ${(error as Error).message}; start it, set DOCKER_HOST, give this user access to its socket, or use --runtime process`,
        { cause: error },
      );
    }
    await this.#removeUnstarted();
    await this.#sandboxes.repair();
    void this.#followEvents();
  }

  async list(): Promise<readonly ContainerStatus[]> {
    const { containers, sandboxes } = await this.#inventory.look();
    const byPod = new Map(sandboxes.map((info) => [info.Config.Labels[LABELS.podUID], info]));
    return containers
      .filter(({ Id }) => !this.#starting.has(Id))
      .flatMap((info) => statusOf(info, byPod.get(info.Config.Labels[LABELS.podUID])) ?? []);
  }

  readonly usage = async (): Promise<readonly ContainerUsage[]> => {
    const { containers } = await this.#inventory.look();
    const running = containers.filter(({ State }) => State.Running);
    const used = await Promise.all(running.map(({ Id }) => usageOf(this.#docker, Id)));
    return used.filter((one) => one !== undefined);
  };

  async pods(): Promise<readonly string[]> {
    const { containers, sandboxes } = await this.#inventory.look();
    const uids = [...containers, ...sandboxes].map(({ Config }) => Config.Labels[LABELS.podUID]);
    return [...new Set(uids.filter((uid) => uid !== undefined))];
  }

  preparePod(spec: PodSandboxSpec, signal: AbortSignal): Promise<PodSandbox> {
    return this.#sandboxes.prepare(spec, signal);
  }

  removePod(podUID: string): Promise<void> {
    return this.#sandboxes.remove(podUID);
  }

  gateway(): Promise<Gateway | undefined> {
    return bridgeGateway(this.#docker);
  }

  choosePort(ports: readonly ContainerPort[]): Promise<number | undefined> {
    return Promise.resolve(ports[0]?.containerPort);
  }

  prepareImage(request: ImageRequest, signal: AbortSignal): Promise<PreparedImage> {
    return prepareImage(this.#docker, request, this.#options.clock, signal);
  }

  ensureVolume(volume: EngineVolume): Promise<void> {
    return ensureVolume(this.#docker, volume, this.#options.owner);
  }

  async run(spec: ContainerSpec, signal: AbortSignal): Promise<ContainerStatus> {
    let id: string | undefined;
    try {
      const container = await this.#create(spec);
      ({ id } = container);
      this.#starting.add(id);
      signal.throwIfAborted();
      await container.start();
      return await this.#statusOf(id, spec);
    } catch (error) {
      if (id !== undefined)
        await this.#docker
          .getContainer(id)
          .remove({ force: true, v: true })
          .catch(() => undefined);
      signal.throwIfAborted();
      if (error instanceof StartError) throw error;
      throw new StartError(
        id === undefined ? 'CreateContainerError' : 'RunContainerError',
        `Cannot run container ${spec.identity.container} of image ${spec.image}: ${reasonOf(error)}`,
        error,
      );
    } finally {
      if (id !== undefined) this.#starting.delete(id);
    }
  }

  ignores(): readonly string[] {
    return [];
  }

  async update(id: string, resources: ContainerResources): Promise<void> {
    const container = await this.#ours(id);
    if (container === undefined) throw new Error('the container is gone');
    try {
      await container.update(engineResources(resources));
    } catch (error) {
      throw new Error(reasonOf(error), { cause: error });
    } finally {
      this.#inventory.forget(keyOf(id));
    }
  }

  async stop(id: string, graceSeconds: number): Promise<void> {
    const container = await this.#ours(id);
    // 304: it does not run. The Engine takes whole seconds.
    await container?.stop({ t: Math.ceil(graceSeconds) }).catch(ignoreCodes(304, 404));
  }

  async thaw(id: string): Promise<void> {
    const container = await this.#ours(id);
    // 409, and 500 from older Engines: it is not frozen.
    await container?.unpause().catch(ignoreCodes(304, 404, 409, 500));
  }

  async remove(id: string): Promise<void> {
    const container = await this.#ours(id);
    await container?.remove({ v: true }).catch(ignoreCodes(404));
  }

  async logs(id: string, options: LogOptions, signal: AbortSignal): Promise<Readable> {
    const container = this.#docker.getContainer(keyOf(id));
    const query = {
      stdout: true,
      stderr: true,
      timestamps: options.timestamps,
      ...(options.tailLines === undefined ? {} : { tail: options.tailLines }),
      ...(options.sinceTime === undefined ? {} : { since: options.sinceTime / 1000 }),
    };
    try {
      const { Config } = await container.inspect();
      const raw = options.follow
        ? await container.logs({ ...query, follow: true, abortSignal: signal })
        : await container.logs({ ...query, follow: false, abortSignal: signal });
      return Config.Tty
        ? terminalLog(raw, options.limitBytes)
        : demultiplex(raw, options.limitBytes);
    } catch (error) {
      throw await this.#whyNoLogs(id, error);
    }
  }

  async exec(id: string, command: readonly string[], timeoutMs: number): Promise<ExecResult> {
    const container = this.#docker.getContainer(keyOf(id));
    const exec = await container.exec({
      Cmd: [...command],
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({ hijack: true, stdin: false });
    const output = new PassThrough();
    const parts: Buffer[] = [];
    let bytes = 0;
    output.on('data', (chunk: Buffer) => {
      if (bytes < MAXIMUM_OUTPUT_BYTES) parts.push(chunk.subarray(0, MAXIMUM_OUTPUT_BYTES - bytes));
      bytes += chunk.length;
    });
    this.#docker.modem.demuxStream(stream, output, output);
    let timedOut = false;
    // The Engine has no call to kill an exec; it goes with its container.
    const cancel = this.#options.clock.schedule(timeoutMs, () => {
      timedOut = true;
      stream.destroy();
    });
    await new Promise<void>((resolve) => {
      stream.once('close', resolve);
      stream.once('end', resolve);
      stream.once('error', () => resolve());
    });
    cancel();
    const { ExitCode } = timedOut ? { ExitCode: null } : await exec.inspect();
    return { exitCode: ExitCode ?? 0, output: Buffer.concat(parts).toString('utf8'), timedOut };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.sessions.close();
    this.#lifetime.abort(new Error('the runtime is closed'));
    this.#listeners.clear();
    return Promise.resolve();
  }

  async #statusOf(id: string, spec: ContainerSpec): Promise<ContainerStatus> {
    const pod = `${LABELS.podUID}=${spec.identity.podUID}`;
    const { containers, sandboxes } = await this.#inventory.look(pod);
    const info = containers.find(({ Id }) => Id === id);
    const status = info === undefined ? undefined : statusOf(info, sandboxes[0]);
    if (status === undefined) throw new Error(`container ${id} was removed, or lost its labels`);
    return status;
  }

  /** Under the name that follows from its identity; what an agent that was killed left under it before its start goes. */
  async #create(spec: ContainerSpec): Promise<Docker.Container> {
    await checkLogDriver(this.#docker, spec);
    await checkSubPaths(this.#docker, spec);
    const imageUser = await imageUserOf(this.#docker, spec);
    const options = createOptions(spec, this.#options.owner, imageUser);
    try {
      return await this.#docker.createContainer(options);
    } catch (error) {
      const holder = codeOf(error) === 409 ? await this.#ours(options.name) : undefined;
      const info = await holder?.inspect().catch(ignoreMissing);
      if (holder === undefined || info?.State.Status !== 'created') throw error;
      await holder.remove({ force: true, v: true }).catch(ignoreMissing);
      return this.#docker.createContainer(options);
    }
  }

  /** Some log drivers send logs away, and the Engine keeps none to show. */
  async #whyNoLogs(id: string, error: unknown): Promise<unknown> {
    const info = await this.#docker
      .getContainer(keyOf(id))
      .inspect()
      .catch(() => undefined);
    const driver = info?.HostConfig.LogConfig?.Type;
    if (driver === undefined || !/log(ging)? driver/.test(reasonOf(error))) return error;
    return new Error(
      `the log driver ${driver} of this container keeps no logs on this machine: look where it sends them, or use local, json-file or journald`,
      { cause: error },
    );
  }

  /** Of an earlier agent that was killed between create and start: nothing of it has run. */
  async #removeUnstarted(): Promise<void> {
    const { containers, sandboxes } = await this.#inventory.look();
    for (const { Id, State } of [...containers, ...sandboxes]) {
      if (State.Status !== 'created') continue;
      await this.#docker.getContainer(Id).remove({ force: true, v: true }).catch(ignoreMissing);
    }
  }

  async #ours(id: string): Promise<Docker.Container | undefined> {
    const container = this.#docker.getContainer(keyOf(id));
    const info = await container.inspect().catch(ignoreMissing);
    return info !== undefined && isOurs(info, this.#options.owner) ? container : undefined;
  }

  async #followEvents(): Promise<void> {
    const { signal } = this.#lifetime;
    const { clock, logger, owner } = this.#options;
    while (!signal.aborted) {
      try {
        await followEvents(this.#docker, owner, signal, (event) => this.#take(event));
      } catch (error) {
        if (!signal.aborted) logger.debug('Lost the events of the Docker Engine', { error });
      }
      await sleep(clock, EVENTS_RETRY_MS, signal).catch(() => undefined);
    }
  }

  #take({ id, sandboxEnded }: EngineEvent): void {
    this.#inventory.forget(id);
    this.#changed();
    if (!sandboxEnded) return;
    this.#sandboxes.repair().catch((error: unknown) => {
      this.#options.logger.warn('Cannot stop containers that lost their network', { error });
    });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function keyOf(id: string): string {
  return id.replace(/^docker:\/\//, '');
}
