// etcd on the same disk, in the same run: durable puts of 2 KiB by 1, 64 and 256 writers over its JSON gateway, against our group
// commit behind the same path and bodies. Both servers on the same processor, one client for both.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import type { Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { configMap } from './objects.ts';
import { pinned, root, startServer, temporaryFolder } from './processes.ts';
import { exchange, request } from './raw-client.ts';
import { figure, median, percentile, verdict } from './report.ts';

const rounds = 3;
const keys = 20_000;
const value = Buffer.from(configMap('bench')).toString('base64');

/** Prints writes per second of both, and the ratio. */
export async function benchPeer(scale: number): Promise<void> {
  if (spawnSync('etcd', ['--version']).status !== 0) {
    console.log('  no etcd here: apt-get install etcd-server');
    return;
  }
  using folder = temporaryFolder();
  await using ours = await startServer(
    [path.join(root, 'bench/store-server.ts'), path.join(folder.path, 'ours')],
    'ready ',
  );
  await using etcd = await startEtcd(path.join(folder.path, 'etcd'));
  for (const writers of [1, 64, 256]) {
    const count = Math.ceil((writers === 1 ? 3_000 : 20_000) * scale);
    const [left, right] = [Number(ours.announcement), etcd.port];
    const rates: { readonly ours: Rate; readonly etcd: Rate }[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const rate = {
        ours: await puts(left, writers, count),
        etcd: await puts(right, writers, count),
      };
      if (round > 0) rates.push(rate);
    }
    figure(`${writers} writers, ours`, median(rates.map((rate) => rate.ours.perSecond)), 'per s');
    figure('  p99', median(rates.map((rate) => rate.ours.p99)), 'ms');
    figure(`${writers} writers, etcd`, median(rates.map((rate) => rate.etcd.perSecond)), 'per s');
    figure('  p99', median(rates.map((rate) => rate.etcd.p99)), 'ms');
    const ratio = median(rates.map((rate) => rate.ours.perSecond / rate.etcd.perSecond));
    verdict('  ours ÷ etcd', ratio, '> 1', ratio > 1);
  }
}

interface Rate {
  readonly perSecond: number;
  readonly p99: number;
}

async function puts(port: number, writers: number, count: number): Promise<Rate> {
  const sockets = await Promise.all(Array.from({ length: writers }, () => connect(port)));
  const latencies: number[] = [];
  let next = 0;
  const started = performance.now();
  await Promise.all(
    sockets.map(async (socket) => {
      for (let index = next++; index < count; index = next++) {
        const key = Buffer.from(`/registry/configmaps/default/o${index % keys}`).toString('base64');
        const sent = performance.now();
        const answer = await exchange(
          socket,
          request('POST', '/v3/kv/put', JSON.stringify({ key, value })),
        );
        if (answer.status !== 200) throw new Error(`A put was answered ${answer.status}`);
        latencies.push(performance.now() - sent);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  for (const socket of sockets) socket.destroy();
  return {
    perSecond: count / seconds,
    p99: percentile(
      latencies.toSorted((a, b) => a - b),
      0.99,
    ),
  };
}

async function connect(port: number): Promise<Socket> {
  const socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  return socket;
}

async function startEtcd(folder: string): Promise<{ readonly port: number } & AsyncDisposable> {
  const port = await freePort();
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${await freePort()}`];
  const [command = '', ...rest] = pinned([
    'etcd',
    '--name=a',
    `--data-dir=${folder}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=a=${peer}`,
    '--quota-backend-bytes=8000000000',
  ]);
  const child = spawn(command, rest, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answer = await fetch(`${client}/health`).catch(() => undefined);
    if (answer?.ok === true && (await answer.text()).includes('true')) break;
    await pause(50);
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}
