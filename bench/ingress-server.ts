// The servers of `npm run bench ingress`, one kind per process: `instance`, which answers; `library INSTANCE_PORT`, node:http and undici
// put together in the fewest lines; `ingress INSTANCE_PORT`, ours.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { dial } from '#controllers/agent/local-instances.ts';
import { IngressTable } from '#controllers/agent/ingress/ingress-table.ts';
import { ingressMetrics } from '#controllers/agent/ingress/metrics.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';

const [kind = '', target = '0', own = '0'] = process.argv.slice(2);

function listen(server: ReturnType<typeof createServer>): void {
  server.listen(0, '127.0.0.1', () => {
    console.log(`ready ${(server.address() as AddressInfo).port}`);
  });
}

function instance(): void {
  const body = Buffer.alloc(1_024, 'windlass');
  listen(
    createServer((_request, response) => {
      response.writeHead(200, { 'content-length': body.length }).end(body);
    }),
  );
}

function library(): void {
  const pool = new Pool(`http://127.0.0.1:${target}`, { pipelining: 1 });
  listen(
    createServer((request, response) => {
      pool.dispatch(
        { path: request.url ?? '/', method: request.method ?? 'GET', headers: request.headers },
        {
          onRequestStart: () => undefined,
          onResponseStart(_controller, status, headers) {
            response.writeHead(status, headers);
          },
          onResponseData(controller, chunk) {
            if (response.write(chunk)) return;
            controller.pause();
            response.once('drain', () => controller.resume());
          },
          onResponseEnd: () => void response.end(),
          onResponseError: () => response.destroy(),
        },
      );
    }),
  );
}

async function ingress(): Promise<void> {
  const port = Number(target);
  const endpoint = { host: '127.0.0.1', port };
  const one = {
    podUID: 'one',
    pod: 'one',
    namespace: 'default',
    service: 'web',
    revision: '',
    node: 'node',
    address: () => endpoint,
    connect: (_port: number | string, timeoutMs: number) => dial(endpoint, timeoutMs),
  };
  const metadata = {
    name: 'web',
    namespace: 'default',
    uid: 'web',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  const entry = { port: Number(own), targetPort: port, protocol: 'HTTP' } as const;
  const table = new IngressTable({
    clock: systemClock,
    logger: silentLogger,
    metrics: ingressMetrics(new MetricsRegistry()),
    address: '127.0.0.1',
    services: () => [{ metadata, spec: { ingress: [entry] } }],
    endpoints: { ready: () => [one] },
    certificates: { want: () => undefined, find: () => undefined },
    warn: (_service, _reason, message) => {
      throw new Error(message);
    },
  });
  table.sync();
  await table.settled();
  console.log(`ready ${own}`);
}

if (kind === 'instance') instance();
else if (kind === 'library') library();
else await ingress();
process.once('SIGTERM', () => process.exit(0));
