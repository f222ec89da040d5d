import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '#test/support/free-ports.ts';
import type { IngressEntry } from './entry.ts';
import { ask, raw, service, TestIngress, web } from './ingress-fixture.ts';
import { redirectLocation } from './redirect.ts';

test('redirectLocation() keeps host, path and query, and puts the port right', () => {
  const rows: readonly (readonly [string, number, string, string | undefined])[] = [
    ['app.example.com', 443, '/', 'https://app.example.com/'],
    ['app.example.com:80', 443, '/a?b=c', 'https://app.example.com/a?b=c'],
    ['app.example.com:8080', 8443, '//x/%2F?', 'https://app.example.com:8443//x/%2F?'],
    ['[::1]:8080', 8443, '/', 'https://[::1]:8443/'],
    ['[2001:db8::1]', 443, '/', 'https://[2001:db8::1]/'],
    ['127.0.0.1', 443, '/', 'https://127.0.0.1/'],
    ['', 443, '/', undefined],
    ['a.example.com@evil.example.com', 443, '/', undefined],
    ['evil.example.com/a.example.com', 443, '/', undefined],
    ['a b', 443, '/', undefined],
  ];
  for (const [host, port, target, expected] of rows)
    assert.equal(redirectLocation(host, port, target), expected, host);
});

test('HTTPFront redirects requests, upgrades too, with 308, and hears no more of them', async (t) => {
  const [secure, plain] = [await freePort(), await freePort()];
  const ingress = new TestIngress(t);
  const entry: IngressEntry = {
    port: secure,
    targetPort: 80,
    protocol: 'HTTPS',
    redirectFrom: plain,
    path: '/in',
  };
  await ingress.sync(
    service('web', entry, { port: plain, targetPort: 80, protocol: 'HTTP', path: '/in/clear' }),
  );
  ingress.lead(await web(t, 'a'));
  assert.deepEqual(ingress.warnings, []);
  const headers = { host: `app.example.com:${plain}` };
  const target = '/in/here?q=1&r=%20';
  for (const method of ['GET', 'POST', 'HEAD']) {
    const body = method === 'POST' ? 'x'.repeat(100_000) : undefined;
    const answer = await ask(plain, { method, headers, path: target }, body);
    assert.equal(answer.status, 308, method);
    assert.equal(answer.headers.location, `https://app.example.com:${secure}${target}`);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(answer.text, '');
  }
  const upgrade = await raw(
    plain,
    `GET /in HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
  );
  assert.match(upgrade, new RegExp(`^HTTP/1.1 308 [^]*\r\nlocation: https://a:${secure}/in\r\n`));
  // The longer path goes first, whichever way it is served.
  assert.equal((await ask(plain, { headers, path: '/in/clear/x' })).text, 'a');
  assert.equal((await ask(plain, { headers, path: '/' })).status, 404);
  assert.equal((await ask(plain, { headers: { host: 'a@b' }, path: '/in' })).status, 400);
  const answered = await ingress.metric('windlass_ingress_requests_total');
  assert.ok(
    answered.some((line) => line.endsWith('service="web",code="3xx"} 4')),
    answered.join(),
  );
  // No redirect any more.
  await ingress.sync(service('web', { ...entry, redirectFrom: 0 }));
  await assert.rejects(ask(plain, { headers, path: '/in' }), /ECONNREFUSED/);
});
