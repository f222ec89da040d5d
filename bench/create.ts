// `npm run bench create`: durable creates of 2 KiB ConfigMaps at 64 connections, against node:https + the same group commit.
import path from 'node:path';
import { endpointOf } from './kubeconfig.ts';
import { configMap } from './objects.ts';
import {
  besideServers,
  root,
  startControlPlaneProcess,
  startServer,
  temporaryFolder,
} from './processes.ts';
import { closedLoop, request } from './raw-client.ts';
import { figure, median, percentile, verdict } from './report.ts';

const connections = 64;
const creates = 8_000;
const rounds = 5;
const collection = '/api/v1/namespaces/default/configmaps';

/** Prints creates per second through the whole API, the floor's, and the ratio round by round. */
export async function benchCreate(): Promise<void> {
  using _ = besideServers();
  using folder = temporaryFolder();
  const dataDirectory = path.join(folder.path, 'data');
  await using _server = await startControlPlaneProcess(dataDirectory);
  const endpoint = endpointOf(path.join(dataDirectory, 'admin.kubeconfig'));
  await using floor = await startServer(
    [path.join(root, 'bench/floor-create.ts'), dataDirectory, path.join(folder.path, 'floor')],
    'ready ',
  );
  const floorEndpoint = { ...endpoint, host: '127.0.0.1', port: Number(floor.announcement) };
  const message = (round: number) => (index: number) =>
    request('POST', collection, configMap(`round-${round}-${index}`));
  const ratios: number[] = [];
  const ours: number[] = [];
  const bare: number[] = [];
  let latencies: readonly number[] = [];
  // Round 0 warms both up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    const api = await closedLoop(endpoint, connections, creates, message(round), 201);
    const base = await closedLoop(floorEndpoint, connections, creates, message(round), 201);
    if (round === 0) continue;
    ours.push(api.perSecond);
    bare.push(base.perSecond);
    ratios.push(api.perSecond / base.perSecond);
    latencies = api.latenciesMs;
  }
  figure(`creates, ${connections} connections`, median(ours), 'per s');
  figure('  latency p50 / p99 (last round)', percentile(latencies, 0.5), 'ms');
  figure('', percentile(latencies, 0.99), 'ms');
  figure('floor: https POST + group commit', median(bare), 'per s');
  const ratio = median(ratios);
  verdict('creates ÷ floor', ratio, '≥ 0.5', ratio >= 0.5);
}
