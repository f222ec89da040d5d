// Plays a Docker Engine, as far as an InfraProvider asks one: each container is a process of this machine with a host name, an
// /etc/hosts and a /var/lib of its own, and the network of this machine. It costs seconds where a real Engine with an image costs minutes;
// what the real one does is shown elsewhere, here it is what runs in its containers.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Mounts are seen by the process alone; the shell becomes the program. */
const IN_A_BOX =
  'hostname "$1"; mount --bind "$2/lib" /var/lib; mount --bind "$2/hosts" /etc/hosts; shift 2; exec "$@"';

interface Labelled {
  readonly Name: string;
  readonly Labels: Readonly<Record<string, string>>;
}

interface Created extends Omit<Labelled, 'Name'> {
  readonly Hostname: string;
  readonly Cmd: readonly string[];
  readonly Env: readonly string[];
}

interface Container extends Created {
  readonly name: string;
  process: ChildProcess | undefined;
}

/** Why no such containers can be made here; undefined: they can. */
export function missingForPlayedEngine(): string | undefined {
  const { status } = spawnSync('unshare', ['--mount', '--uts', 'true']);
  return status === 0 ? undefined : 'unshare, and the right to namespaces of mounts and names';
}

export class PlayedEngine {
  readonly host: string;
  readonly #folder: string;
  readonly #containers = new Map<string, Container>();
  readonly #networks = new Map<string, Labelled>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  private constructor(folder: string) {
    this.#folder = folder;
    this.host = `unix://${join(folder, 'docker.sock')}`;
  }

  /** Ended after the test, with all that runs in it. */
  static async start(t: Pick<TestContext, 'after'>, folder: string): Promise<PlayedEngine> {
    const engine = new PlayedEngine(folder);
    engine.#server.listen(join(folder, 'docker.sock'));
    await once(engine.#server, 'listening');
    t.after(async () => {
      for (const container of engine.#containers.values()) await stop(container, 'SIGKILL');
      engine.#server.closeAllConnections();
      engine.#server.close();
    });
    return engine;
  }

  /** With all that it kept, as somebody at the machine would. */
  async remove(name: string): Promise<void> {
    const container = this.#containers.get(name);
    if (container !== undefined) await stop(container, 'SIGKILL');
    this.#containers.delete(name);
    rmSync(join(this.#folder, name), { recursive: true, force: true });
  }

  /** Names of all containers, sorted. */
  get containers(): readonly string[] {
    return [...this.#containers.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  }

  get networks(): number {
    return this.#networks.size;
  }

  /** A container's `/var/lib`. */
  lib(name: string): string {
    return join(this.#folder, name, 'lib');
  }

  commandOf(name: string): string {
    return this.#containers.get(name)?.Cmd.join(' ') ?? '';
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const part of request) text += String(part);
    const url = new URL(request.url ?? '/', 'http://engine');
    const [, kind = '', id = '', verb = ''] = url.pathname.replace(/^\/v[\d.]+/, '').split('/');
    const body: unknown = text === '' ? {} : JSON.parse(text);
    const [status, answer] = await this.#does(
      `${request.method ?? ''} ${kind} ${verb || (['json', 'create'].includes(id) ? id : '')}`.trim(),
      decodeURIComponent(id),
      url.searchParams,
      body,
    );
    const isEmpty = status === 204;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(isEmpty ? undefined : JSON.stringify(answer));
  }

  async #does(
    what: string,
    id: string,
    query: URLSearchParams,
    body: unknown,
  ): Promise<readonly [number, unknown]> {
    const container = this.#containers.get(id);
    switch (what) {
      case 'GET images json':
        return [200, { Id: 'sha256:1', Size: 1 }];
      case 'GET containers json':
        if (id !== 'json')
          return container === undefined ? missing(id) : [200, { Id: id, Config: container }];
        return [200, [...this.#containers.values()].filter(matching(query)).map(listed)];
      case 'POST containers create': {
        const name = query.get('name') ?? '';
        if (this.#containers.has(name)) return [409, { message: `${name} is in use` }];
        this.#containers.set(name, { ...(body as Created), name, process: undefined });
        return [201, { Id: name }];
      }
      case 'GET networks':
        return [200, [...this.#networks.values()].map((one) => ({ ...one, Id: one.Name }))];
      case 'POST networks create': {
        const network = body as Labelled;
        this.#networks.set(network.Name, network);
        return [201, { Id: network.Name }];
      }
      case 'DELETE networks':
        this.#networks.delete(id);
        return [204, {}];
      case 'GET volumes':
        return [200, { Volumes: [] }];
      case 'GET _ping':
        return [200, 'OK'];
      default:
        return container === undefined ? missing(id) : this.#with(container, what);
    }
  }

  async #with(container: Container, what: string): Promise<readonly [number, unknown]> {
    switch (what) {
      case 'POST containers start':
        if (isRunning(container)) return [304, {}];
        this.#run(container);
        return [204, {}];
      case 'POST containers stop':
        await stop(container, 'SIGTERM');
        return [204, {}];
      case 'DELETE containers':
        await stop(container, 'SIGKILL');
        this.#containers.delete(container.name);
        return [204, {}];
      default:
        return missing(what);
    }
  }

  #run(container: Container): void {
    const { name, Hostname, Cmd, Env } = container;
    const folder = join(this.#folder, name);
    mkdirSync(join(folder, 'lib'), { recursive: true });
    // By their names all are on this machine.
    const names = ['localhost', ...this.#containers.keys()].join(' ');
    writeFileSync(join(folder, 'hosts'), `127.0.0.1 ${names}\n`);
    const box = ['--mount', '--uts', 'sh', '-ec', IN_A_BOX, 'box', Hostname, folder];
    const variables = Env.map((line) => [
      line.slice(0, line.indexOf('=')),
      line.slice(line.indexOf('=') + 1),
    ]);
    container.process = spawn('unshare', [...box, ...Cmd], {
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], ...Object.fromEntries(variables) },
    });
  }
}

function isRunning({ process: child }: Container): boolean {
  return child !== undefined && child.exitCode === null && child.signalCode === null;
}

async function stop(container: Container, signal: NodeJS.Signals): Promise<void> {
  const { process: child } = container;
  if (child === undefined || !isRunning(container)) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

/** By labels, as `filters` says them. */
function matching(query: URLSearchParams): (container: Container) => boolean {
  const { label = [] } = JSON.parse(query.get('filters') ?? '{}') as { label?: string[] };
  return ({ Labels }) =>
    label.every((one) => {
      const [key = '', value] = one.split('=');
      return value === undefined ? key in Labels : Labels[key] === value;
    });
}

function listed(container: Container): object {
  const isUp = isRunning(container);
  const State = isUp ? 'running' : container.process === undefined ? 'created' : 'exited';
  const Networks = { own: { IPAddress: isUp ? '127.0.0.1' : '' } };
  const { name, Labels } = container;
  return { Id: name, Names: [`/${name}`], Labels, State, NetworkSettings: { Networks } };
}

function missing(what: string): readonly [number, unknown] {
  return [404, { message: `no such thing: ${what}` }];
}
