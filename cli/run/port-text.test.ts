import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkPort, formatPort, parsePort } from './port-text.ts';
import type { PublishedPort } from './port-text.ts';

// What uncloud's cases say is in test/cases.
const WRONG: readonly (readonly [text: string, why: RegExp])[] = [
  ['', /invalid container port ''/],
  ['0', /invalid container port '0': container port must be non-zero/],
  ['80/tcp/udp', /unsupported protocol: 'tcp\/udp'/],
  ['80:80/tcp/udp@host', /unsupported protocol 'tcp\/udp' in host mode/],
  [':80', /hostname or published port must be specified/],
  ['1:2:3:4', /too many ':'/],
  ['70000:80', /invalid published port '70000'/],
  ['app.example.com:x:80', /invalid published port 'x'/],
  ['1.2.3.4:80', /invalid hostname '1\.2\.3\.4'/],
  ['80:80@', /invalid mode: ''/],
  ['80:80@ingress', /only 'host' can follow '@'/],
  ['0:80@host', /published port is required/],
  ['127.0.0.1:80@host', /published port is required/],
  ['[::1]:80@host', /published port is required/],
  ['::1:80:80@host', /invalid host IP '::1'; IPv6 is written in brackets/],
  ['localhost:80:80@host', /invalid host IP 'localhost': hostname cannot be/],
  ['10.0.0.0/8/8:80:80@host', /invalid host prefix/],
  ['[::]/129:80:80@host', /invalid host prefix/],
];

for (const [text, why] of WRONG) {
  test(`parsePort() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parsePort(text), why);
  });
}

test('parsePort() takes 0 for no port of the machine, and [::]/0 for every address', () => {
  assert.deepEqual(parsePort('0:80'), { mode: 'ingress', containerPort: 80, protocol: 'tcp' });
  assert.equal(parsePort('[::]/0:80:81@host').hostPrefix, '::/0');
});

test('checkPort() refuses addresses in the ingress, and two kinds of them', () => {
  const port = { containerPort: 80, publishedPort: 80 };
  assert.throws(() => checkPort({ ...port, hostIP: '::1' }), /host IP cannot be specified/);
  const both = { ...port, mode: 'host', hostIP: '::1', hostPrefix: '::1/64' };
  assert.throws(() => checkPort(both), /cannot both be specified in host mode/);
  assert.throws(() => checkPort({ ...port, mode: 'other' }), /invalid mode: 'other'/);
  assert.throws(() => checkPort({ ...port, containerPort: 1.5 }), /invalid container port/);
});

test('formatPort() writes what parsePort() reads', () => {
  const number = fc.integer({ min: 1, max: 65_535 });
  const ipv4 = fc.ipV4();
  const address = fc.oneof(
    fc.constant({}),
    ipv4.map((hostIP) => ({ hostIP })),
    fc.ipV6().map((hostIP) => ({ hostIP })),
    fc.tuple(ipv4, fc.nat(32)).map(([ip, bits]) => ({ hostPrefix: `${ip}/${bits}` })),
    fc.tuple(fc.ipV6(), fc.nat(128)).map(([ip, bits]) => ({ hostPrefix: `${ip}/${bits}` })),
  );
  const host = fc
    .tuple(number, number, fc.constantFrom('tcp' as const, 'udp' as const), address)
    .map(([containerPort, publishedPort, protocol, bound]) => ({
      mode: 'host' as const,
      containerPort,
      publishedPort,
      protocol,
      ...bound,
    }));
  const ingress = fc
    .tuple(number, fc.option(number), fc.constantFrom('http' as const, 'https' as const))
    .chain(([containerPort, publishedPort, protocol]) =>
      fc.option(fc.domain()).map((hostname) => ({
        mode: 'ingress' as const,
        containerPort,
        protocol,
        ...(publishedPort === null ? {} : { publishedPort }),
        ...(hostname === null ? {} : { hostname }),
      })),
    );
  fc.assert(
    fc.property(fc.oneof(host, ingress), (port: PublishedPort) => {
      assert.deepEqual(parsePort(formatPort(port)), port);
    }),
  );
});
