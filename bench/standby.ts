// A second control plane on the same folder: from kill -9 of the one that serves to the first write that the other acknowledges.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endpointOf } from './kubeconfig.ts';
import type { Endpoint } from './kubeconfig.ts';
import { configMap } from './objects.ts';
import { root, startServer, temporaryFolder } from './processes.ts';
import type { RunningServer } from './processes.ts';
import { connect, exchange, request } from './raw-client.ts';
import { figure, median } from './report.ts';

const ROUNDS = 3;
/** The holder of a place renews its note each five seconds: for so long the standby looks at it before the holder is killed. */
const WATCHED_MS = 6_000;

interface TakeOver {
  /** Seconds from kill -9 until the standby says that it is ready. */
  readonly ready: number;
  /** … until it has acknowledged a write. */
  readonly written: number;
}

/** Prints for how long writes are away; the note of the holder lives 15 s of that. */
export async function benchStandby(scale: number): Promise<void> {
  const rounds: TakeOver[] = [];
  for (let round = 0; round < Math.max(1, Math.round(ROUNDS * scale)); round++)
    rounds.push(await takeOver());
  const written = rounds.map((one) => one.written);
  const ready = rounds.map((one) => one.ready);
  figure('kill -9 to a standby that is ready', median(ready), 's');
  figure('kill -9 to the first acknowledged write', median(written), 's    (15 s of it: the note)');
  figure('  the longest', Math.max(...written), 's');
}

async function takeOver(): Promise<TakeOver> {
  using folder = temporaryFolder();
  const start = (name: string): Promise<RunningServer> =>
    startServer(
      [
        path.join(root, 'cli/launcher.mjs'),
        'up',
        '--data-dir',
        path.join(folder.path, name),
        '--port',
        '0',
        '--no-controllers',
        '--no-node',
        '--persistence',
        `nfs:${path.join(folder.path, 'store')}`,
        '--secrets-key',
        `file:${path.join(folder.path, 'key')}`,
      ],
      'ready ',
      { pinned: false },
    );
  await using _holder = await start('a');
  await write(path.join(folder.path, 'a'), 'before');
  const pid = Number(readFileSync(path.join(folder.path, 'a/windlass.pid'), 'utf8'));
  const standby = start('b');
  while (!existsSync(path.join(folder.path, 'b/windlass.pid'))) await delay(20);
  await delay(WATCHED_MS);
  const began = performance.now();
  process.kill(pid, 'SIGKILL');
  await using _standby = await standby;
  const ready = (performance.now() - began) / 1000;
  await write(path.join(folder.path, 'b'), 'after');
  return { ready, written: (performance.now() - began) / 1000 };
}

/** Creates a ConfigMap through the server of a data directory. @throws Error when it is not acknowledged */
async function write(dataDirectory: string, name: string): Promise<void> {
  const endpoint: Endpoint = endpointOf(path.join(dataDirectory, 'admin.kubeconfig'));
  const socket = await connect(endpoint);
  const body = configMap(name);
  const { status } = await exchange(
    socket,
    request('POST', '/api/v1/namespaces/default/configmaps', body),
  );
  socket.destroy();
  if (status !== 201) throw new Error(`A write was answered ${status}`);
}
