// `npm run bench ingress`: requests a second and their latency through the ingress of a node, against the same instance behind nothing,
// and behind the same library in its fewest lines.
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import path from 'node:path';
import { root, startServer } from './processes.ts';
import { exchange, request } from './raw-client.ts';
import { figure, median, percentile, verdict } from './report.ts';

const connections = 64;
const count = 20_000;
const rounds = 5;

interface Figures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

async function measure(port: number): Promise<Figures> {
  const message = request('GET', '/');
  const latencies: number[] = [];
  let next = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      while (next < count) {
        next += 1;
        const sent = performance.now();
        const { status } = await exchange(socket, message);
        if (status !== 200) throw new Error(`the answer was ${status}`);
        latencies.push(performance.now() - sent);
      }
      socket.destroy();
    }),
  );
  const perSecond = latencies.length / ((performance.now() - began) / 1_000);
  const sorted = latencies.toSorted((a, b) => a - b);
  return { perSecond, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

function program(...words: readonly string[]): readonly string[] {
  return [path.join(root, 'bench/ingress-server.ts'), ...words];
}

/** Prints rates, latencies and the two ratios. */
export async function benchIngress(): Promise<void> {
  await using instance = await startServer(program('instance'), 'ready ');
  const target = instance.announcement;
  await using library = await startServer(program('library', target), 'ready ');
  const own = String(await freePort());
  await using ingress = await startServer(program('ingress', target, own), 'ready ');
  const ports = [instance, library, ingress].map(({ announcement }) => Number(announcement));
  const figures: Figures[][] = [[], [], []];
  for (const port of ports) await measure(port);
  // In turn, so that all three have the same machine.
  for (let round = 0; round < rounds; round += 1)
    for (const [index, port] of ports.entries()) figures[index]?.push(await measure(port));
  const of = (index: number, which: keyof Figures): number =>
    median((figures[index] ?? []).map((one) => one[which]));
  for (const [index, name] of ['the instance itself', 'node:http + undici', 'ingress'].entries()) {
    figure(`${name}, ${connections} connections`, of(index, 'perSecond'), 'per s');
    figure('  latency p50', of(index, 'p50'), 'ms');
    figure('  latency p99', of(index, 'p99'), 'ms');
  }
  const rate = of(2, 'perSecond') / of(1, 'perSecond');
  verdict('ingress ÷ node:http + undici', rate, '≥ 0.7', rate >= 0.7);
  figure('ingress ÷ the instance itself', of(2, 'perSecond') / of(0, 'perSecond'), '×');
  figure('latency p50, ingress ÷ node:http + undici', of(2, 'p50') / of(1, 'p50'), '×');
}
