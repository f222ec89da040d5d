import assert from 'node:assert/strict';
import { test } from 'node:test';
import { helperFor, loginsFor, parseDockerConfig, parsePullSecret } from './docker-config.ts';
import { parseImageReference } from './image-reference.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function names(auths: readonly string[], image: string): readonly string[] {
  const config = parseDockerConfig(
    JSON.stringify({
      auths: Object.fromEntries(
        auths.map((address) => [address, { auth: base64(`${address}|:p`) }]),
      ),
    }),
  );
  // The address is the user's name; it may hold a colon itself.
  return loginsFor(config, parseImageReference(image)).map(
    ({ username, password }) => `${username}:${password}`.split('|')[0] ?? '',
  );
}

for (const { auths, image, found } of [
  { auths: ['ghcr.io', 'quay.io'], image: 'ghcr.io/a/b', found: ['ghcr.io'] },
  { auths: ['https://ghcr.io'], image: 'ghcr.io/a', found: ['https://ghcr.io'] },
  { auths: ['docker.io'], image: 'nginx', found: ['docker.io'] },
  { auths: ['index.docker.io'], image: 'acme/x', found: ['index.docker.io'] },
  {
    auths: ['ghcr.io/a', 'ghcr.io', 'ghcr.io/a/b'],
    image: 'ghcr.io/a/b',
    found: ['ghcr.io/a/b', 'ghcr.io/a', 'ghcr.io'],
  },
  { auths: ['ghcr.io/a'], image: 'ghcr.io/ab', found: [] },
  { auths: ['*.acme.com'], image: 'r.acme.com/x', found: ['*.acme.com'] },
  { auths: ['*.acme.com'], image: 'a.r.acme.com/x', found: [] },
  { auths: ['r*y.acme.com'], image: 'registry.acme.com/x', found: ['r*y.acme.com'] },
  { auths: ['a*a.acme.com'], image: 'a.acme.com/x', found: [] },
  { auths: ['*a*b*.io'], image: 'xaybz.io/x', found: ['*a*b*.io'] },
  { auths: ['127.0.0.1'], image: '127.0.0.1:5000/x', found: [] },
  { auths: [''], image: 'nginx', found: [] },
]) {
  test(`of ${JSON.stringify(auths)} for ${image}: ${JSON.stringify(found)}`, () => {
    assert.deepEqual(names(auths, image), found);
  });
}

test('a login is read in each form that there is', () => {
  const config = parseDockerConfig(
    JSON.stringify({
      auths: {
        'a.io': { auth: base64('u:p:q') },
        'b.io': { username: 'u', password: 'p' },
        'c.io': { auth: base64('<token>:'), identitytoken: 'refresh' },
        'd.io': { registrytoken: 'bearer' },
        'e.io': {},
        'f.io': 'text',
        'g.io': { auth: 7 },
      },
    }),
  );
  assert.deepEqual(Object.fromEntries(config.logins), {
    'a.io': { username: 'u', password: 'p:q' },
    'b.io': { username: 'u', password: 'p' },
    'c.io': { username: '<token>', password: '', identityToken: 'refresh' },
    'd.io': { username: '', password: '', registryToken: 'bearer' },
  });
});

test('helpers are programs by name, and nothing else', () => {
  const config = parseDockerConfig(
    JSON.stringify({
      credsStore: 'pass',
      credHelpers: { 'ghcr.io': 'gh', 'evil.io': '../../bin/sh', 'docker.io': 'hub' },
    }),
  );
  const of = (image: string): unknown => helperFor(config, parseImageReference(image));
  assert.deepEqual(of('ghcr.io/a'), { helper: 'gh', address: 'ghcr.io' });
  assert.deepEqual(of('nginx'), { helper: 'hub', address: 'https://index.docker.io/v1/' });
  assert.deepEqual(of('evil.io/a'), { helper: 'pass', address: 'evil.io' });
  assert.equal(
    helperFor(parseDockerConfig('{"credsStore":"a/b"}'), parseImageReference('a')),
    undefined,
  );
});

test('Secrets of both types are read, and name no programs', () => {
  const auths = { 'r.io': { auth: base64('u:p') } };
  const json = parsePullSecret({
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': base64(JSON.stringify({ auths, credsStore: 'pass' })) },
  });
  assert.deepEqual([...json.logins.keys()], ['r.io']);
  assert.equal(json.defaultHelper, undefined);
  const old = parsePullSecret({
    type: 'kubernetes.io/dockercfg',
    data: { '.dockercfg': base64(JSON.stringify(auths)) },
  });
  assert.deepEqual(old.logins, json.logins);
  assert.equal(parsePullSecret({ type: 'Opaque', data: {} }).logins.size, 0);
});

test('what is no configuration is refused without a word of it', () => {
  for (const text of ['', 'secret', '[]', 'null', '{"a":secret}'])
    assert.throws(
      () => parseDockerConfig(text),
      ({ message }: Error) => !message.includes('secret') && message.startsWith('it is no'),
    );
  assert.equal(parseDockerConfig('{"auths":[],"credHelpers":7,"credsStore":{}}').logins.size, 0);
});
