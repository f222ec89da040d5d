import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { FakeClock } from '../../machinery/machinery-fixture.ts';
import { turns } from '../agent-fixture.ts';
import { IngressTable } from './ingress-table.ts';
import type { IngressService } from './ingress-table.ts';

interface Table {
  readonly table: IngressTable;
  readonly clock: FakeClock;
  /** `service reason message` */
  readonly warnings: string[];
  services: readonly IngressService[];
}

function open(t: TestContext): Table {
  const clock = new FakeClock();
  const warnings: string[] = [];
  const table = new IngressTable({
    clock,
    services: () => opened.services,
    endpoints: { ready: () => [] },
    warn: ({ metadata }, reason, message) =>
      void warnings.push(`${metadata.name} ${reason} ${message}`),
  });
  const opened: Table = { table, clock, warnings, services: [] };
  t.after(() => table.close());
  return opened;
}

function service(name: string, ...ports: readonly number[]): IngressService {
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: name,
      resourceVersion: '1',
      creationTimestamp: '',
    },
    spec: { ingress: ports.map((port) => ({ port, targetPort: 'http' })) },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  const answer = await promise;
  socket.destroy();
  return answer;
}

test('IngressTable listens for what Services ask for, and no longer for what they do not', async (t) => {
  const opened = open(t);
  const [a, b] = [await freePort(), await freePort()];
  opened.services = [service('web', a, b)];
  opened.table.sync();
  await turns();
  assert.deepEqual([await listens(a), await listens(b)], [true, true]);
  opened.services = [service('web', b)];
  opened.table.sync();
  await turns();
  assert.deepEqual([await listens(a), await listens(b)], [false, true]);
});

test('IngressTable keeps its listener and its connections when a Service changes elsewhere', async (t) => {
  const opened = open(t);
  const port = await freePort();
  const web = service('web', port);
  opened.services = [web];
  opened.table.sync();
  await turns();
  const client = connect(port, '127.0.0.1');
  await once(client, 'connect');
  for (let change = 2; change < 20; change += 1) {
    opened.services = [{ ...web, metadata: { ...web.metadata, resourceVersion: String(change) } }];
    opened.table.sync();
    await turns();
    assert.ok(await listens(port));
  }
  assert.equal(client.readyState, 'open');
  client.destroy();
  assert.deepEqual(opened.warnings, []);
});

test('IngressTable names a port that another program has, and takes it when it is free', async (t) => {
  const opened = open(t);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  opened.services = [service('web', port)];
  opened.table.sync();
  await turns();
  assert.deepEqual(opened.warnings, [
    `web IngressPortInUse port ${port} of 127.0.0.1 is in use by another program: choose another port in spec.ingress, or free it`,
  ]);
  other.close();
  await once(other, 'close');
  opened.clock.advance(5_000);
  await turns();
  assert.ok(await listens(port));
});

test('IngressTable names a port that two Services want, and gives it to the second when the first goes', async (t) => {
  const opened = open(t);
  const port = await freePort();
  opened.services = [service('first', port), service('second', port)];
  opened.table.sync();
  await turns();
  assert.match(
    opened.warnings.join('\n'),
    /^second IngressPortInUse .* in use by the ingress of another Service/,
  );
  opened.services = [service('second', port)];
  opened.table.sync();
  await turns();
  assert.ok(await listens(port));
  assert.equal(opened.warnings.length, 1);
});

test('IngressTable gives ports back when a Service is being deleted, and all of them at the end', async (t) => {
  const opened = open(t);
  const [a, b] = [await freePort(), await freePort()];
  const going = service('going', a);
  opened.services = [going, service('web', b)];
  opened.table.sync();
  await turns();
  const deletion = { deletionTimestamp: '2026-01-01T00:00:00Z' };
  opened.services = [{ ...going, metadata: { ...going.metadata, ...deletion } }, service('web', b)];
  opened.table.sync();
  await turns();
  assert.deepEqual([await listens(a), await listens(b)], [false, true]);
  await opened.table.close();
  assert.ok(!(await listens(b)));
});
