// For tests of ingress: instances that are plain servers of this process, Services, and an IngressTable over them.
import { once } from 'node:events';
import { Agent, createServer as createHTTPServer, request } from 'node:http';
import type { IncomingHttpHeaders, RequestListener, RequestOptions } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { freePort } from '#test/support/free-ports.ts';
import type { ServiceInstance } from '../endpoints.ts';
import { dial } from '../local-instances.ts';
import type { Certificate } from './certificate.ts';
import type { IngressEntry, IngressService, Route } from './entry.ts';
import { IngressTable } from './ingress-table.ts';
import { ingressMetrics } from './metrics.ts';

export interface TestInstance {
  readonly instance: ServiceInstance;
  readonly sockets: Set<Socket>;
  readonly port: number;
}

/** A server of this process as an instance of the Service `web`. */
export async function instanceOf(
  t: TestContext,
  name: string,
  server: Server,
  service = 'web',
): Promise<TestInstance> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { instance: reachedAt(name, port, service), sockets, port };
}

export function reachedAt(name: string, port: number, service = 'web'): ServiceInstance {
  return {
    podUID: name,
    pod: name,
    namespace: 'default',
    service,
    revision: '',
    node: 'node',
    address: () => ({ host: '127.0.0.1', port }),
    connect: (_port, timeoutMs) => dial({ host: '127.0.0.1', port }, timeoutMs),
  };
}

export function web(
  t: TestContext,
  name: string,
  listener?: RequestListener,
): Promise<TestInstance> {
  return instanceOf(
    t,
    name,
    createHTTPServer(listener ?? ((_request, response) => response.end(name))),
  );
}

let age = 0;

/** Each one is younger than the one before. */
export function service(name: string, ...ingress: readonly IngressEntry[]): IngressService {
  age += 1;
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: name,
      resourceVersion: '1',
      creationTimestamp: new Date(age * 1_000).toISOString(),
    },
    spec: { ingress },
  };
}

export class TestIngress {
  readonly table: IngressTable;
  readonly registry = new MetricsRegistry();
  /** `service reason message` */
  readonly warnings: string[] = [];
  ready: readonly ServiceInstance[] = [];
  services: readonly IngressService[] = [];
  certificates = new Map<string, Certificate>();
  wanted: readonly Route[] = [];

  constructor(t: TestContext, clock: Clock = systemClock) {
    this.table = new IngressTable({
      clock,
      logger: silentLogger,
      metrics: ingressMetrics(this.registry),
      address: '127.0.0.1',
      services: () => this.services,
      endpoints: {
        ready: (_namespace, name) => this.ready.filter(({ service: of }) => of === name),
      },
      certificates: {
        want: (routes) => (this.wanted = routes),
        find: ({ host }) => this.certificates.get(host),
      },
      warn: ({ metadata }, reason, message) =>
        void this.warnings.push(`${metadata.name} ${reason} ${message}`),
    });
    t.after(() => this.table.close());
  }

  async sync(...services: readonly IngressService[]): Promise<void> {
    this.services = services;
    this.table.sync();
    await this.table.settled();
  }

  /** As when the table of endpoints changes. */
  lead(...instances: readonly (TestInstance | ServiceInstance)[]): void {
    this.ready = instances.map((one) => ('instance' in one ? one.instance : one));
    this.table.endpointsChanged();
  }

  /** Lines of one metric that are not 0. */
  async metric(name: string): Promise<readonly string[]> {
    const text = await this.registry.expose();
    return text.split('\n').filter((line) => line.startsWith(`${name}{`) && !line.endsWith(' 0'));
  }
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** One request; without an agent on a connection of its own. */
export function ask(
  port: number,
  options: RequestOptions = {},
  body?: string | Buffer,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, agent: false, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', reject).on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** Sends bytes and gives all that comes back until the connection ends. */
export async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('latin1').on('data', (part: string) => (answer += part));
  socket.on('error', () => undefined);
  socket.write(text, 'latin1');
  await once(socket, 'close');
  return answer;
}

/** One HTTP port of the Service `web`. */
export async function http(
  t: TestContext,
  ...ready: readonly TestInstance[]
): Promise<{ readonly ingress: TestIngress; readonly port: number }> {
  const ingress = new TestIngress(t);
  const port = await freePort();
  await ingress.sync(service('web', { port, targetPort: 80, protocol: 'HTTP' }));
  ingress.lead(...ready);
  return { ingress, port };
}

export function keptAlive(t: TestContext): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  return agent;
}

/** Enough turns of the event loop for everything that is on its way on this machine. */
export async function turns(): Promise<void> {
  // The event loop must turn for what is on its way between sockets.
  // oxlint-disable-next-line no-restricted-globals
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
