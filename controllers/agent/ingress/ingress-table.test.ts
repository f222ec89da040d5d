import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { freePort } from '#test/support/free-ports.ts';
import { FakeClock } from '../../machinery/machinery-fixture.ts';
import type { IngressService } from './entry.ts';
import {
  ask,
  service as serviceWith,
  TestIngress,
  turns,
  web as instance,
} from './ingress-fixture.ts';
import type { TestInstance } from './ingress-fixture.ts';

function service(name: string, ...ports: readonly number[]): IngressService {
  return serviceWith(name, ...ports.map((port) => ({ port, targetPort: 'http' })));
}

const web = (t: TestContext, name: string): Promise<TestInstance> =>
  instance(t, name, (request, response) => response.end(request.headers.via));

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
  const opened = new TestIngress(t);
  const [a, b] = [await freePort(), await freePort()];
  await opened.sync(service('web', a, b));
  assert.deepEqual([await listens(a), await listens(b)], [true, true]);
  await opened.sync(service('web', b));
  assert.deepEqual([await listens(a), await listens(b)], [false, true]);
});

test('IngressTable keeps its listener and its connections when a Service changes elsewhere', async (t) => {
  const opened = new TestIngress(t);
  const port = await freePort();
  const web = service('web', port);
  await opened.sync(web);
  const client = connect(port, '127.0.0.1');
  await once(client, 'connect');
  for (let change = 2; change < 20; change += 1) {
    await opened.sync({ ...web, metadata: { ...web.metadata, resourceVersion: String(change) } });
    assert.ok(await listens(port));
  }
  assert.equal(client.readyState, 'open');
  client.destroy();
  assert.deepEqual(opened.warnings, []);
});

test('IngressTable names a port that another program has, and takes it when it is free', async (t) => {
  const clock = new FakeClock();
  const opened = new TestIngress(t, clock);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await opened.sync(service('web', port));
  assert.deepEqual(opened.warnings, [
    `web IngressPortInUse port ${port} of 127.0.0.1 is in use by another program: choose another port in spec.ingress, or free it`,
  ]);
  other.close();
  await once(other, 'close');
  clock.advance(5_000);
  await turns();
  assert.ok(await listens(port));
});

test('IngressTable names a port that two Services want, and gives it to the second when the first goes', async (t) => {
  const opened = new TestIngress(t);
  const port = await freePort();
  const [first, second] = [service('first', port), service('second', port)];
  await opened.sync(second, first);
  await opened.sync(second, first);
  assert.deepEqual(opened.warnings, [
    `second IngressConflict spec.ingress TCP ${port}: the port leads to Service default/first already: choose another port`,
  ]);
  await opened.sync(second);
  assert.ok(await listens(port));
  assert.equal(opened.warnings.length, 1);
});

test('IngressTable gives ports back when a Service is being deleted, and all of them at the end', async (t) => {
  const opened = new TestIngress(t);
  const [a, b] = [await freePort(), await freePort()];
  const going = service('going', a);
  await opened.sync(going, service('web', b));
  const deletion = { deletionTimestamp: '2026-01-01T00:00:00Z' };
  await opened.sync({ ...going, metadata: { ...going.metadata, ...deletion } }, service('web', b));
  assert.deepEqual([await listens(a), await listens(b)], [false, true]);
  await opened.table.close();
  assert.ok(!(await listens(b)));
});

test('IngressTable says once more what was right meanwhile', async (t) => {
  const opened = new TestIngress(t);
  const port = await freePort();
  const [first, second] = [service('first', port), service('second', port)];
  for (const services of [[first, second], [second], [first, second]])
    await opened.sync(...services);
  assert.equal(opened.warnings.length, 2);
});

test('IngressTable turns a port from one protocol to another', async (t) => {
  const opened = new TestIngress(t);
  const port = await freePort();
  await opened.sync(serviceWith('web', { port, targetPort: 80 }));
  opened.lead(await web(t, 'a'));
  assert.equal((await ask(port)).headers.via, undefined);
  await opened.sync(serviceWith('web', { port, targetPort: 80, protocol: 'HTTP' }));
  assert.equal((await ask(port, { path: '/via' })).text, '1.1 windlass');
  assert.deepEqual(opened.warnings, []);
});
