import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IngressEntry } from './entry.ts';
import { service } from './ingress-fixture.ts';
import { planListeners } from './plan-listeners.ts';

const http = (port: number, host = '', path = ''): IngressEntry => ({
  port,
  targetPort: 80,
  protocol: 'HTTP',
  host,
  path,
});
const https = (port: number, host: string, tls?: IngressEntry['tls'], path = ''): IngressEntry => ({
  ...http(port, host, path),
  protocol: 'HTTPS',
  ...(tls === undefined ? {} : { tls }),
});
const PASSTHROUGH = { mode: 'Passthrough' } as const;

function shown(...services: Parameters<typeof planListeners>[0]): readonly string[] {
  const { listeners, complaints } = planListeners(services);
  return [
    ...[...listeners.values()].map(({ key, kind, routes, passthrough }) => {
      const texts = [...routes, ...passthrough].map(
        ({ name, host, path }) => `${name}:${host}${path}`,
      );
      return `${key} ${kind} ${texts.join(' ')}`;
    }),
    ...complaints.map(({ service: { metadata }, message }) => `${metadata.name}! ${message}`),
  ];
}

test('planListeners() lets Services share a port by host and path, and TCP and UDP a number', () => {
  const app = service('app', http(80, 'A.example.com.'), { port: 53, targetPort: 53 });
  const api = service('api', http(80, 'a.example.com', '/api/'), http(80));
  const dns = service('dns', { port: 53, targetPort: 53, protocol: 'UDP' });
  assert.deepEqual(shown(app, api, dns), [
    'tcp/80 http app:a.example.com api:a.example.com/api api:',
    'tcp/53 tcp app:',
    'udp/53 udp dns:',
  ]);
});

test('planListeners() gives what two want to the older one, whatever the order they come in', () => {
  const older = service('older', http(80, 'a.example.com', '/x'), { port: 81, targetPort: 1 });
  const younger = service('younger', http(80, 'a.example.com', '/x/'), http(81), {
    port: 81,
    targetPort: 1,
  });
  const expected = [
    'tcp/80 http older:a.example.com/x',
    'tcp/81 tcp older:',
    'younger! spec.ingress HTTP 80 a.example.com/x/: host a.example.com with path /x leads to Service default/older already: choose another host, path or port',
    'younger! spec.ingress HTTP 81: port 81 serves TCP for Service default/older, so it cannot serve HTTP: choose another port',
    'younger! spec.ingress TCP 81: the port leads to Service default/older already: choose another port',
  ];
  assert.deepEqual(shown(older, younger), expected);
  assert.deepEqual(shown(younger, older), expected);
});

test('planListeners() breaks a tie of age by name', () => {
  const at = (name: string) => {
    const made = service(name, http(80));
    return { ...made, metadata: { ...made.metadata, creationTimestamp: '2026-01-01T00:00:00Z' } };
  };
  assert.equal(shown(at('b'), at('a'))[0], 'tcp/80 http a:');
});

test('planListeners() has one way of TLS and one certificate for a host', () => {
  const older = service(
    'older',
    https(443, 'a.example.com'),
    https(443, 'p.example.com', PASSTHROUGH),
  );
  const younger = service(
    'younger',
    https(443, 'a.example.com', PASSTHROUGH),
    https(443, 'p.example.com'),
    https(443, 'a.example.com', { mode: 'Secret', secretName: 's' }, '/y'),
    https(443, 'a.example.com', { mode: 'Internal' }, '/z'),
  );
  assert.deepEqual(shown(older, younger), [
    'tcp/443 tls older:a.example.com younger:a.example.com/z older:p.example.com',
    'younger! spec.ingress HTTPS 443 a.example.com: host a.example.com serves HTTPS for Service default/older: choose another host or port',
    'younger! spec.ingress HTTPS 443 p.example.com: host p.example.com serves TLS that is passed through for Service default/older: choose another host or port',
    'younger! spec.ingress HTTPS 443 a.example.com/y: host a.example.com has the certificate that Service default/older names: use the same tls, or another host',
  ]);
});

test('planListeners() says what makes no sense, which a foreign server may let pass', () => {
  const rows: readonly (readonly [Partial<IngressEntry>, RegExp])[] = [
    [{ protocol: 'SCTP' as 'TCP' }, /protocol SCTP is not known here/],
    [{ tls: { mode: 'Internal' } }, /tls has no meaning with protocol TCP/],
    [{ host: 'a' }, /host has no meaning with protocol TCP/],
    [{ path: '/a', protocol: 'UDP' }, /path has no meaning/],
    [{ path: '/a', protocol: 'HTTPS', tls: PASSTHROUGH }, /path has no meaning/],
    [{ protocol: 'HTTPS', tls: { mode: 'Secret' } }, /needs tls.secretName/],
  ];
  for (const [entry, expected] of rows) {
    const lines = shown(service('web', { port: 1, targetPort: 1, ...entry }));
    assert.match(lines.join('\n'), expected);
    assert.equal(lines.length, 1);
  }
});

test('planListeners() forgets Services that are being deleted', () => {
  const going = service('going', http(80));
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  const gone = { ...going, metadata: { ...going.metadata, deletionTimestamp } };
  assert.deepEqual(shown(gone, service('web', http(80))), ['tcp/80 http web:']);
});
