import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IngressEntry, Route } from './entry.ts';
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
    ...[...listeners.values()].map(({ key, kind, routes, passthrough, redirects }) => {
      const text = ({ name, host, path, redirectTo }: Route): string =>
        `${name}:${host}${path}${redirectTo === undefined ? '' : `→${redirectTo}`}`;
      const texts = [...routes, ...passthrough].map(text);
      const usual = redirects.map((route) => `(${text(route)})`);
      return `${key} ${kind} ${[...texts, ...usual].join(' ')}`;
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
    'tcp/80 http (older:a.example.com→443) (older:p.example.com→443) (younger:a.example.com/z→443)',
    'younger! spec.ingress HTTPS 443 a.example.com: host a.example.com serves HTTPS for Service default/older: choose another host or port',
    'younger! spec.ingress HTTPS 443 p.example.com: host p.example.com serves TLS that is passed through for Service default/older: choose another host or port',
    'younger! spec.ingress HTTPS 443 a.example.com/y: host a.example.com has the certificate that Service default/older names: use the same tls, or another host',
  ]);
});

test('planListeners() redirects from 80 to 443 what nobody serves there, and from other ports where it is asked for', () => {
  const from = (entry: IngressEntry, redirectFrom: number): IngressEntry => ({
    ...entry,
    redirectFrom,
  });
  const app = service('app', https(443, 'a.example.com'), https(8443, 'b.example.com'));
  const own = service('own', from(https(443, 'c.example.com'), 0), http(80, 'a.example.com'));
  const other = service('other', from(https(8443, 'd.example.com', undefined, '/x'), 8080));
  assert.deepEqual(shown(app, own, other), [
    'tcp/443 tls app:a.example.com own:c.example.com',
    'tcp/8443 tls app:b.example.com other:d.example.com/x',
    'tcp/80 http own:a.example.com (app:a.example.com→443)',
    'tcp/8080 http other:d.example.com/x→8443',
  ]);
});

test('planListeners() gives a port that is for something else no redirect, and tells who asked for one', () => {
  const tcp = service('tcp', { port: 80, targetPort: 1 }, http(8080, 'a.example.com'));
  const app = service(
    'app',
    https(443, 'a.example.com'),
    { ...https(444, 'a.example.com'), redirectFrom: 80 },
    { ...https(445, 'a.example.com'), redirectFrom: 8080 },
  );
  assert.deepEqual(shown(tcp, app), [
    'tcp/80 tcp tcp:',
    'tcp/8080 http tcp:a.example.com',
    'tcp/443 tls app:a.example.com',
    'tcp/444 tls app:a.example.com',
    'tcp/445 tls app:a.example.com',
    'app! spec.ingress HTTPS 444 a.example.com: no redirect from port 80 to 444: port 80 serves TCP for Service default/tcp; choose another redirectFrom, or 0 for none',
    'app! spec.ingress HTTPS 445 a.example.com: no redirect from port 8080 to 445: host a.example.com with path / leads to Service default/tcp already; choose another redirectFrom, or 0 for none',
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
    [{ protocol: 'HTTP', redirectFrom: 80 }, /redirectFrom has no meaning with protocol HTTP/],
    [{ protocol: 'HTTPS', redirectFrom: 1 }, /redirectFrom is the port itself/],
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
