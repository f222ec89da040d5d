import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { projectRoot } from '#test/support/windlass.ts';
import { UsageError } from '../usage-error.ts';
import { checkPort, formatPort, parsePort } from './port-text.ts';
import type { PublishedPort, UncheckedPort } from './port-text.ts';

/** A case of uncloud's behaviour, as data; the format is that of the whole collection of service cases. */
interface Case {
  readonly id: number;
  readonly name: string;
  readonly kind: string;
  readonly spec: { readonly port: unknown };
  readonly expected: readonly Expected[];
}

type Expected =
  | { readonly op: 'parsed'; readonly port: UncheckedPort }
  | { readonly op: 'formatted'; readonly text: string }
  | { readonly op: 'accept' }
  | { readonly op: 'error'; readonly contains: string };

const CASES = JSON.parse(
  readFileSync(join(projectRoot, 'test', 'cases', 'port-cases.json'), 'utf8'),
) as readonly Case[];

/** What each kind of case does with its port. */
const KINDS: Readonly<Record<string, (port: unknown) => Expected>> = {
  'parse-port': (port) => ({ op: 'parsed', port: parsePort(port as string) }),
  'format-port': (port) => ({ op: 'formatted', text: formatPort(port as PublishedPort) }),
  'validate-port': (port) => {
    checkPort(port as UncheckedPort);
    return { op: 'accept' };
  },
};

test('the cases are there, of every kind', () => {
  for (const kind of Object.keys(KINDS))
    assert.ok(
      CASES.some((one) => one.kind === kind),
      kind,
    );
});

for (const { id, name, kind, spec, expected } of CASES) {
  test(`${kind} ${id}: ${name}`, () => {
    const act = KINDS[kind];
    assert.ok(act !== undefined, `no parser for kind ${kind}`);
    const [wanted] = expected;
    if (wanted?.op !== 'error') return assert.deepEqual(act(spec.port), wanted);
    assert.throws(
      () => act(spec.port),
      (error) => error instanceof UsageError && error.message.includes(wanted.contains),
    );
  });
}

const WRONG: readonly (readonly [text: string, why: RegExp])[] = [
  ['', /invalid container port ''/],
  ['0', /invalid container port '0'/],
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
  assert.throws(() => checkPort(both), /cannot be specified together/);
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
