// The Docker runtime: containers on a Docker Engine, through its socket. Labels say which containers are ours (of this agent) and
// what they are; nothing without our label is ever touched. Nothing is kept besides: after a restart the Engine knows it all.
// Containers of one Pod do not share a network here; each publishes its ports on 127.0.0.1.
import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import Docker from 'dockerode';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import { createOptions, isOurs, labelFilter, statusOf } from './docker-container.ts';
import { ensureImage } from './docker-image.ts';
import { demultiplex } from './docker-log.ts';
import { StartError } from './runtime.ts';
import type {
  ContainerPort,
  ContainerSpec,
  ContainerStatus,
  ExecResult,
  LogOptions,
  Runtime,
} from './runtime.ts';

export interface DockerRuntimeOptions {
  /** Marks containers as ours; stays the same over restarts. */
  readonly owner: string;
  /** `unix://…` or `tcp://…` as in DOCKER_HOST; /var/run/docker.sock by default. */
  readonly host: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

const DEFAULT_HOST = 'unix:///var/run/docker.sock';
const MAXIMUM_OUTPUT_BYTES = 16 << 10;
const EVENTS_RETRY_MS = 1_000;

export class DockerRuntime implements Runtime {
  readonly name = 'docker';
  readonly #options: DockerRuntimeOptions;
  readonly #docker: Docker;
  readonly #listeners = new Set<() => void>();
  readonly #lifetime = new AbortController();
  /** Created but not started yet, by this process: no failure, only not there yet. */
  readonly #starting = new Set<string>();
  #version = '';

  constructor(options: DockerRuntimeOptions) {
    this.#options = options;
    this.#docker = connectTo(options.host ?? DEFAULT_HOST);
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
    void this.#followEvents();
  }

  async list(): Promise<readonly ContainerStatus[]> {
    const filters = { label: [labelFilter(this.#options.owner)] };
    const found = await this.#docker.listContainers({ all: true, filters });
    const inspected = await Promise.all(
      found
        .filter(({ Id }) => !this.#starting.has(Id))
        .map(({ Id }) => this.#docker.getContainer(Id).inspect().catch(ignoreMissing)),
    );
    return inspected.flatMap((info) => (info === undefined ? [] : (statusOf(info) ?? [])));
  }

  choosePort(ports: readonly ContainerPort[]): Promise<number | undefined> {
    return Promise.resolve(ports[0]?.containerPort);
  }

  async run(spec: ContainerSpec, signal: AbortSignal): Promise<ContainerStatus> {
    await ensureImage(this.#docker, spec, signal);
    let id: string | undefined;
    try {
      const container = await this.#docker.createContainer(
        createOptions(spec, this.#options.owner),
      );
      ({ id } = container);
      this.#starting.add(id);
      await container.start();
      const status = statusOf(await container.inspect());
      if (status === undefined) throw new Error(`container ${id} lost its labels`);
      return status;
    } catch (error) {
      if (id !== undefined)
        await this.#docker
          .getContainer(id)
          .remove({ force: true })
          .catch(() => undefined);
      throw new StartError(
        id === undefined ? 'CreateContainerError' : 'RunContainerError',
        `Cannot run container ${spec.identity.container} of image ${spec.image}: ${reasonOf(error)}`,
        error,
      );
    } finally {
      if (id !== undefined) this.#starting.delete(id);
    }
  }

  async stop(id: string, graceSeconds: number): Promise<void> {
    const container = await this.#ours(id);
    // 304: it does not run. The Engine takes whole seconds.
    await container?.stop({ t: Math.ceil(graceSeconds) }).catch(ignoreCodes(304, 404));
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
    const raw = options.follow
      ? await container.logs({ ...query, follow: true, abortSignal: signal })
      : await container.logs({ ...query, follow: false, abortSignal: signal });
    return demultiplex(raw, options.limitBytes);
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
    this.#lifetime.abort(new Error('the runtime is closed'));
    this.#listeners.clear();
    return Promise.resolve();
  }

  async #ours(id: string): Promise<Docker.Container | undefined> {
    const container = this.#docker.getContainer(keyOf(id));
    const info = await container.inspect().catch(ignoreMissing);
    return info !== undefined && isOurs(info, this.#options.owner) ? container : undefined;
  }

  async #followEvents(): Promise<void> {
    const { signal } = this.#lifetime;
    const { clock, logger, owner } = this.#options;
    const filters = { type: ['container'], label: [labelFilter(owner)] };
    while (!signal.aborted) {
      try {
        const events = (await this.#docker.getEvents({
          filters,
          abortSignal: signal,
        } as EventsQuery)) as AsyncIterable<Buffer>;
        // What happened while nobody listened.
        this.#changed();
        for await (const _ of events) this.#changed();
      } catch (error) {
        if (!signal.aborted) logger.debug('Lost the events of the Docker Engine', { error });
      }
      await sleep(clock, EVENTS_RETRY_MS, signal).catch(() => undefined);
    }
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The client's types lack the signal that its code takes. */
type EventsQuery = Docker.GetEventsOptions & { readonly abortSignal: AbortSignal };

function connectTo(host: string): Docker {
  const url = URL.parse(host);
  if (url?.protocol === 'unix:') return new Docker({ socketPath: url.pathname });
  if (url?.protocol === 'tcp:' || url?.protocol === 'http:') {
    return new Docker({
      host: url.hostname,
      port: url.port === '' ? 2375 : Number(url.port),
      protocol: 'http',
    });
  }
  throw new Error(
    `Cannot use DOCKER_HOST ${JSON.stringify(host)}: give unix:///path/to/docker.sock or tcp://host:port`,
  );
}

function codeOf(error: unknown): number | undefined {
  const { statusCode } = error as { readonly statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : undefined;
}

function ignoreCodes(...codes: readonly number[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(codeOf(error) ?? 0)) throw error;
  };
}

const ignoreMissing = ignoreCodes(404);

function reasonOf(error: unknown): string {
  const { json, message } = error as {
    readonly json?: { readonly message?: string };
    readonly message?: string;
  };
  return json?.message ?? message ?? String(error);
}

function keyOf(id: string): string {
  return id.replace(/^docker:\/\//, '');
}
