import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLogger } from '#platform/logging.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { AddressBook } from './address-book.ts';
import { interfaceFront, loopbackFront } from './name-front.ts';
import { serviceEnvironment } from './service-environment.ts';
import { servicePorts } from './service-ports.ts';
import type { NamedService } from './service-ports.ts';

function open(file: string, size = 100, seed = 'one'): AddressBook {
  const addressOf = (index: number): string => `10.0.0.${index}`;
  return new AddressBook({ file, logger: silentLogger, seed, size, addressOf });
}

test('AddressBook gives the same address after a restart, and no address twice', async () => {
  const file = join(tempDir(), 'book.json');
  const book = open(file);
  const keys = Array.from({ length: 60 }, (_, index) => `default/s${index}`);
  const given = keys.map((key) => book.entry(key).address);
  assert.equal(new Set(given).size, keys.length);
  const entry = book.entry('default/s0');
  entry.ports.set(8080, 10_123);
  entry.isResolved = true;
  book.changed();
  await book.settled();
  const again = open(file);
  assert.deepEqual(
    keys
      .toReversed()
      .map((key) => again.entry(key).address)
      .toReversed(),
    given,
  );
  assert.deepEqual([...(again.find('default/s0')?.ports ?? [])], [[8080, 10_123]]);
  assert.equal(again.find('default/s0')?.isResolved, true);
  assert.notEqual(
    open(join(tempDir(), 'x'), 1e6).entry('a/b').index,
    open(join(tempDir(), 'x'), 1e6, 'two').entry('a/b').index,
  );
});

test('AddressBook has an end, and gives back what is forgotten', () => {
  const book = open(join(tempDir(), 'book.json'), 2);
  book.entry('a');
  book.entry('b');
  assert.throws(() => book.entry('c'), /all 2 addresses for names are taken/);
  book.forget('a');
  assert.ok(book.entry('c').index < 2);
});

test('AddressBook begins anew with a file that is torn or lies', () => {
  const file = join(tempDir(), 'book.json');
  const good = { index: 3, isResolved: true, ports: [[80, 10_000], ['x'], 7] };
  for (const text of ['', '{', 'null', '[]', '{"a":7,"b":{"index":-1},"c":{"index":1e9}}']) {
    writeFileSync(file, text);
    assert.deepEqual(open(file).keys(), []);
  }
  writeFileSync(file, JSON.stringify({ a: good, b: good }));
  const book = open(file);
  assert.deepEqual(book.keys(), ['a']);
  assert.deepEqual([...(book.find('a')?.ports ?? [])], [[80, 10_000]]);
});

test('addresses are of the ranges that the documentation names', () => {
  assert.equal(loopbackFront.addressOf(0), '127.64.0.1');
  assert.equal(loopbackFront.addressOf(loopbackFront.size - 1), '127.127.255.254');
  assert.equal(interfaceFront.addressOf(0), '198.18.0.1');
  assert.equal(interfaceFront.addressOf(interfaceFront.size - 1), '198.18.255.254');
});

test('serviceEnvironment() names services as Kubernetes does', () => {
  const ports = [
    { port: 80, name: 'http', reachedAt: 10_080 },
    { port: 9090, reachedAt: 10_090 },
  ];
  assert.deepEqual(
    serviceEnvironment([
      { name: 'my-web.v2', host: '127.64.0.1', ports },
      { name: '2nd', host: '127.64.0.2', ports: ports.slice(1) },
      { name: 'none', host: '127.64.0.3', ports: [] },
    ]),
    {
      MY_WEB_V2_SERVICE_HOST: '127.64.0.1',
      MY_WEB_V2_SERVICE_PORT: '10080',
      MY_WEB_V2_SERVICE_PORT_HTTP: '10080',
      _2ND_SERVICE_HOST: '127.64.0.2',
      _2ND_SERVICE_PORT: '10090',
    },
  );
});

test('servicePorts() are the TCP ports of all containers, each once', () => {
  const containers = [
    {
      name: 'a',
      ports: [
        { containerPort: 80, name: 'http' },
        { containerPort: 53, protocol: 'UDP' },
      ],
    },
    { name: 'b', ports: [{ containerPort: 80 }, { containerPort: 9090, protocol: 'TCP' }] },
    { name: 'c' },
  ];
  const service = { spec: { template: { spec: { containers } } } } as unknown as NamedService;
  assert.deepEqual(servicePorts(service), [{ port: 80, name: 'http' }, { port: 9090 }]);
  assert.deepEqual(servicePorts({} as NamedService), []);
});
