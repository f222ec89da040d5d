// `npm run bench start`: from spawn to /readyz ok, and the memory then, against a bare https + express + SQLite-worker process.
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { endpointOf } from './kubeconfig.ts';
import type { Endpoint } from './kubeconfig.ts';
import { residentMB, root, startServer, temporaryFolder } from './processes.ts';
import { figure, median, verdict } from './report.ts';
import { readFileSync } from 'node:fs';

const runs = 5;
/** The launcher sets it for the control plane; the floor shall not be slower for want of it. */
const compileCache = { NODE_COMPILE_CACHE: path.join(tmpdir(), 'windlass-bench-cache') };

function readyz(endpoint: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    https
      .get(
        { host: endpoint.host, port: endpoint.port, ca: endpoint.ca, path: '/readyz' },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode === 200);
        },
      )
      .on('error', () => resolve(false));
  });
}

interface Start {
  readonly seconds: number;
  readonly memoryMB: number;
}

async function startOnce(dataDirectory: string, flags: readonly string[]): Promise<Start> {
  const began = performance.now();
  await using server = await startServer(
    [
      path.join(root, 'cli/launcher.mjs'),
      'up',
      '--data-dir',
      dataDirectory,
      '--port',
      '0',
      ...flags,
    ],
    'ready ',
    // A start uses the second processor too, for the storage thread; the client only waits.
    { pinned: false },
  );
  const endpoint = endpointOf(path.join(dataDirectory, 'admin.kubeconfig'));
  while (!(await readyz(endpoint))) {
    if (server.child.exitCode !== null)
      throw new Error('The control plane ended before it was ready');
  }
  const seconds = (performance.now() - began) / 1000;
  const pid = Number(readFileSync(path.join(dataDirectory, 'windlass.pid'), 'utf8'));
  return { seconds, memoryMB: residentMB(pid) };
}

async function bareOnce(dataDirectory: string): Promise<Start> {
  using folder = temporaryFolder();
  const began = performance.now();
  const program = [path.join(root, 'bench/bare.ts'), dataDirectory, folder.path];
  await using server = await startServer(program, 'ready ', {
    pinned: false,
    environment: compileCache,
  });
  return {
    seconds: (performance.now() - began) / 1000,
    memoryMB: residentMB(server.child.pid),
  };
}

/** Prints start-up time and memory, first and later starts, alone and with controllers and node. */
export async function benchStart(): Promise<void> {
  const alone = ['--no-controllers', '--no-node'];
  const first: Start[] = [];
  const again: Start[] = [];
  const whole: Start[] = [];
  const bare: Start[] = [];
  for (let run = 0; run < runs; run++) {
    using folder = temporaryFolder();
    const dataDirectory = path.join(folder.path, 'data');
    first.push(await startOnce(dataDirectory, alone));
    again.push(await startOnce(dataDirectory, alone));
    whole.push(await startOnce(dataDirectory, []));
    bare.push(await bareOnce(dataDirectory));
  }
  const seconds = (starts: readonly Start[]): number =>
    median(starts.map((start) => start.seconds));
  const memory = (starts: readonly Start[]): number =>
    median(starts.map((start) => start.memoryMB));
  figure('first start (makes its CA)', seconds(first), 's    (target ≤ 1.0)');
  figure('later start', seconds(again), 's    (target ≤ 0.5)');
  figure('later start with controllers and node', seconds(whole), 's');
  figure('bare https + express + SQLite worker', seconds(bare), 's');
  figure('memory, control plane', memory(again), 'MB');
  figure('memory at ready, with controllers and node', memory(whole), 'MB');
  figure('memory, bare process', memory(bare), 'MB');
  const ratio = memory(again) / memory(bare);
  verdict('memory, control plane ÷ bare', ratio, '≤ 1.5', ratio <= 1.5);
}
