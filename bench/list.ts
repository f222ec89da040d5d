// `npm run bench list`: 10,000 objects of 2 KiB in one list, against sending the same bytes from memory.
import path from 'node:path';
import { configMap } from './objects.ts';
import { endpointOf } from './kubeconfig.ts';
import type { Endpoint } from './kubeconfig.ts';
import { root, startControlPlaneProcess, startServer, temporaryFolder } from './processes.ts';
import { closedLoop, connect, exchange, request } from './raw-client.ts';
import { figure, median, verdict } from './report.ts';
import { writeFileSync } from 'node:fs';

const objects = 10_000;
const rounds = 11;
const collection = '/api/v1/namespaces/default/configmaps';

async function timedGet(endpoint: Endpoint, urlPath: string): Promise<number> {
  const socket = await connect(endpoint);
  const began = performance.now();
  const answer = await exchange(socket, request('GET', urlPath));
  const tookMs = performance.now() - began;
  socket.destroy();
  if (answer.status !== 200) throw new Error(`GET ${urlPath} answered ${answer.status}`);
  return tookMs;
}

/** Prints the time of a whole list and its ratio to the floor. */
export async function benchList(): Promise<void> {
  using folder = temporaryFolder();
  const dataDirectory = path.join(folder.path, 'data');
  await using _server = await startControlPlaneProcess(dataDirectory);
  const endpoint = endpointOf(path.join(dataDirectory, 'admin.kubeconfig'));
  await closedLoop(
    endpoint,
    64,
    objects,
    (index) => request('POST', collection, configMap(`object-${index}`)),
    201,
  );
  const socket = await connect(endpoint);
  const { body } = await exchange(socket, request('GET', collection), true);
  socket.destroy();
  const bodyFile = path.join(folder.path, 'body');
  writeFileSync(bodyFile, body);
  await using floor = await startServer(
    [path.join(root, 'bench/floor-bytes.ts'), dataDirectory, bodyFile],
    'ready ',
  );
  const floorEndpoint = { ...endpoint, host: '127.0.0.1', port: Number(floor.announcement) };
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(await timedGet(endpoint, collection));
    bare.push(await timedGet(floorEndpoint, '/'));
  }
  const ratio = median(ours) / median(bare);
  figure(`list of ${objects} objects, ${(body.length / 1e6).toFixed(1)} MB`, median(ours), 'ms');
  figure('the same bytes from memory', median(bare), 'ms');
  verdict('list ÷ floor', ratio, '≤ 2', ratio <= 2);
}
