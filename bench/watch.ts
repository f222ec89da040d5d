// `npm run bench watch`: events delivered to 1,000 watchers, against a bare https server that writes the same bytes to as many sockets.
import path from 'node:path';
import type tls from 'node:tls';
import { endpointOf } from './kubeconfig.ts';
import type { Endpoint } from './kubeconfig.ts';
import { configMap } from './objects.ts';
import { root, startControlPlaneProcess, startServer, temporaryFolder } from './processes.ts';
import { closedLoop, connect, exchange, request } from './raw-client.ts';
import { figure, median, verdict } from './report.ts';

const watchers = 1_000;
const events = 500;
const rounds = 3;
const collection = '/api/v1/namespaces/default/configmaps';

/** Opens the sockets and their streams; `received` counts bytes of all of them. */
async function openStreams(endpoint: Endpoint, urlPath: string): Promise<Streams> {
  const sockets: tls.TLSSocket[] = [];
  for (let opened = 0; opened < watchers; opened += 50) {
    sockets.push(...(await Promise.all(Array.from({ length: 50 }, () => connect(endpoint)))));
  }
  const streams = new Streams(sockets);
  await streams.start(request('GET', urlPath));
  return streams;
}

class Streams {
  readonly sockets: readonly tls.TLSSocket[];
  readonly #bytes: number[];
  #target = Infinity;
  #complete = 0;
  #done: (() => void) | undefined;

  constructor(sockets: readonly tls.TLSSocket[]) {
    this.sockets = sockets;
    this.#bytes = sockets.map(() => 0);
  }

  /** Sends the request on each socket and waits for all headers. */
  async start(message: Buffer): Promise<void> {
    await Promise.all(
      this.sockets.map(
        (socket) =>
          new Promise<void>((resolve, reject) => {
            socket.once('data', () => resolve());
            socket.once('error', reject);
            socket.write(message);
          }),
      ),
    );
    this.sockets.forEach((socket, index) => {
      socket.on('data', (data: Buffer) => this.#count(index, data.length));
    });
  }

  /** Resolves when every stream has got `bytes` more. */
  expect(bytes: number): Promise<void> {
    this.#bytes.fill(0);
    this.#target = bytes;
    this.#complete = 0;
    return new Promise((resolve) => (this.#done = resolve));
  }

  #count(index: number, bytes: number): void {
    const before = this.#bytes[index] ?? 0;
    this.#bytes[index] = before + bytes;
    if (before < this.#target && before + bytes >= this.#target) {
      this.#complete += 1;
      if (this.#complete === this.sockets.length) this.#done?.();
    }
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

/** Bytes of one event of this benchmark as a watch delivers it, framing included. */
async function eventBytes(endpoint: Endpoint): Promise<number> {
  const socket = await connect(endpoint);
  const { body } = await exchange(socket, request('GET', `${collection}/object-100`), true);
  socket.destroy();
  return body.length;
}

async function deliver(endpoint: Endpoint, streams: Streams, round: number): Promise<number> {
  const object = await eventBytes(endpoint);
  // The JSON around each object is at least this long; the exact framing depends on how events share a write.
  const delivered = streams.expect(events * object);
  const began = performance.now();
  const [, loop] = await Promise.all([
    delivered,
    closedLoop(
      endpoint,
      16,
      events,
      (index) =>
        request(
          'PUT',
          `${collection}/object-${100 + index}`,
          configMap(`object-${100 + index}`, round),
        ),
      200,
    ),
  ]);
  void loop;
  return (events * watchers) / ((performance.now() - began) / 1000);
}

/** Prints events delivered per second, the floor's, and their ratio. */
export async function benchWatch(): Promise<void> {
  using folder = temporaryFolder();
  const dataDirectory = path.join(folder.path, 'data');
  await using _server = await startControlPlaneProcess(dataDirectory);
  const endpoint = endpointOf(path.join(dataDirectory, 'admin.kubeconfig'));
  await closedLoop(
    endpoint,
    16,
    events,
    (index) => request('POST', collection, configMap(`object-${100 + index}`)),
    201,
  );
  const object = await eventBytes(endpoint);
  await using floor = await startServer(
    [path.join(root, 'bench/floor-watch.ts'), dataDirectory, String(object), String(events)],
    'ready ',
  );
  const floorEndpoint = { ...endpoint, host: '127.0.0.1', port: Number(floor.announcement) };
  const socket = await connect(endpoint);
  const { body } = await exchange(socket, request('GET', `${collection}?limit=1`), true);
  const revision = /"resourceVersion":"(\d+)"/.exec(body.toString())?.[1] ?? '0';
  socket.destroy();

  const ours: number[] = [];
  const streams = await openStreams(
    endpoint,
    `${collection}?watch=true&resourceVersion=${revision}`,
  );
  for (let round = 0; round <= rounds; round++) {
    const rate = await deliver(endpoint, streams, round + 1);
    if (round > 0) ours.push(rate);
  }
  streams.close();

  const bare: number[] = [];
  const floorStreams = await openStreams(floorEndpoint, '/');
  for (let round = 0; round <= rounds; round++) {
    const delivered = floorStreams.expect(events * object);
    const began = performance.now();
    const trigger = await connect(floorEndpoint);
    await exchange(trigger, request('POST', '/'));
    await delivered;
    trigger.destroy();
    if (round > 0) bare.push((events * watchers) / ((performance.now() - began) / 1000));
  }
  floorStreams.close();
  const ratio = median(ours) / median(bare);
  figure(`events to ${watchers} watchers, ${object} bytes each`, median(ours), 'per s');
  figure('floor: the same bytes, 8 events a write', median(bare), 'per s');
  verdict('watch ÷ floor', ratio, '≥ 0.4', ratio >= 0.4);
}
