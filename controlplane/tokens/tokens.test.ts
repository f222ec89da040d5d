// Tokens over a real store: what they say, when they hold and when they no longer do.
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { systemIds } from '#platform/id.ts';

import { openFixture } from '../registry/registry-fixture.ts';
import type { Fixture } from '../registry/registry-fixture.ts';
import { parseToken, signToken } from './jwt.ts';
import { requestToken } from './request-token.ts';
import { ServiceAccountTokens } from './service-account-tokens.ts';
import { SigningKeys } from './signing-keys.ts';
import { StaticTokens } from './static-tokens.ts';

const ISSUER = 'https://kubernetes.default.svc';
const ACCOUNT = { namespace: 'default', name: 'ci' };
const admin = { name: 'admin', groups: ['system:masters'] };

let fixture: Fixture;
let folder: string;
let keys: SigningKeys;
let tokens: ServiceAccountTokens;

before(async () => {
  fixture = await openFixture();
  folder = await mkdtemp(path.join(tmpdir(), 'windlass-tokens-'));
  keys = await SigningKeys.open(folder);
  tokens = tokensWith(keys);
  await account('ci');
});
after(async () => {
  await fixture.close();
  await rm(folder, { recursive: true, force: true });
});

function tokensWith(with_: SigningKeys): ServiceAccountTokens {
  const { store, clock } = fixture;
  return new ServiceAccountTokens({ store, clock, ids: systemIds, keys: with_, issuer: ISSUER });
}

const account = (name: string): Promise<unknown> =>
  fixture.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } });

const remove = (resource: string, name: string): Promise<unknown> =>
  fixture.registry.delete(
    { definition: fixture.kind('v1', resource), namespace: 'default', name },
    { gracePeriodSeconds: 0 },
    fixture.context(),
  );

interface Asked {
  readonly name?: string;
  readonly spec?: object;
  readonly user?: { readonly name: string; readonly groups: readonly string[] };
}

function ask({ name = 'ci', spec = {}, user = admin }: Asked = {}): string {
  const object = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: {},
    spec,
  };
  const answer = requestToken(fixture.store, tokens, { ...ACCOUNT, name }, object, user);
  return (answer['status'] as { readonly token: string }).token;
}

test('a token says whose it is, for whom and until when, and its signature can be checked by others', () => {
  const token = ask({ spec: { audiences: ['vault'], expirationSeconds: 600 } });
  const parsed = parseToken(token);
  assert.ok(parsed);
  const now = fixture.clock.now() / 1000;
  const { jti, ...claims } = parsed.claims;
  assert.match(String(jti), /^[0-9a-f-]{36}$/);
  const uid = fixture.store.get('core/serviceaccounts', 'default', 'ci')?.uid;
  assert.deepEqual(claims, {
    aud: ['vault'],
    exp: now + 600,
    iat: now,
    nbf: now,
    iss: ISSUER,
    sub: 'system:serviceaccount:default:ci',
    'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'ci', uid } },
  });
  const [jwk] = keys.jwks().keys as [{ readonly kid: string }];
  assert.equal(jwk.kid, parsed.header['kid']);
  const key = createPublicKey({ key: jwk as never, format: 'jwk' });
  const signature = parsed.signature;
  assert.ok(verify('sha256', parsed.signed, { key, dsaEncoding: 'ieee-p1363' }, signature));
});

test('it stands for the account until it ends, and for its audiences only', () => {
  const token = ask();
  const found = tokens.authenticate(token, []);
  assert.equal(found?.user.name, 'system:serviceaccount:default:ci');
  assert.deepEqual(found?.user.groups, [
    'system:serviceaccounts',
    'system:serviceaccounts:default',
    'system:authenticated',
  ]);
  assert.deepEqual(found?.audiences, [ISSUER]);
  assert.equal(tokens.authenticate(token, ['vault']), undefined);
  const other = ask({ spec: { audiences: ['vault', 'x'] } });
  assert.equal(tokens.authenticate(other, []), undefined);
  assert.deepEqual(tokens.authenticate(other, ['x', 'y'])?.audiences, ['x']);
  fixture.clock.advance(3599_000);
  assert.ok(tokens.authenticate(token, []));
  fixture.clock.advance(1000);
  assert.equal(tokens.authenticate(token, []), undefined);
});

test('nothing that we did not sign is believed', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const claims = parseToken(ask())?.claims ?? {};
  const forged = signToken({ ...keys.signing, privateKey }, claims);
  const encode = (value: object): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url');
  const [, body = '', signature = ''] = ask().split('.');
  for (const token of [
    forged,
    `${encode({ alg: 'none' })}.${body}.`,
    `${encode({ alg: 'HS256', kid: keys.signing.id })}.${body}.${signature}`,
    `${encode({ alg: 'ES256', kid: '__proto__' })}.${body}.${signature}`,
    'a.b.c',
    '',
    '.'.repeat(9),
    'x'.repeat(100_000),
  ])
    assert.equal(tokens.authenticate(token, []), undefined, token.slice(0, 60));
});

test('without its account, or with another of the same name, it is nobody’s', async () => {
  await account('gone');
  const token = ask({ name: 'gone' });
  assert.ok(tokens.authenticate(token, []));
  await remove('serviceaccounts', 'gone');
  assert.equal(tokens.authenticate(token, []), undefined);
  await account('gone');
  assert.equal(tokens.authenticate(token, []), undefined);
});

test('one that is bound to a Pod dies with it, and names the node', async () => {
  await fixture.create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
  const spec = (serviceAccountName: string) => ({
    nodeName: 'n1',
    serviceAccountName,
    containers: [{ name: 'c', image: 'i' }],
  });
  const pod = (name: string, of: string): Promise<unknown> =>
    fixture.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: spec(of) });
  await pod('p', 'ci');
  await pod('other', 'default');
  const uid = fixture.store.get('core/pods', 'default', 'p')?.uid ?? '';
  const bound = (name: string, of = uid) => ({
    boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid: of },
  });
  const token = ask({ spec: bound('p') });
  const { extra } = tokens.authenticate(token, [])?.user ?? {};
  assert.deepEqual(extra?.['authentication.kubernetes.io/pod-name'], ['p']);
  assert.deepEqual(extra?.['authentication.kubernetes.io/node-name'], ['n1']);

  assert.throws(() => ask({ spec: bound('p', 'x') }), /UID in the bound object reference \(x\)/);
  assert.throws(() => ask({ spec: bound('none', '') }), /pods "none" not found/);
  assert.throws(() => ask({ spec: bound('other', '') }), /different serviceaccount name/);
  const node = (name: string) => ({ name: `system:node:${name}`, groups: ['system:nodes'] });
  assert.ok(ask({ spec: bound('p'), user: node('n1') }));
  assert.throws(() => ask({ user: node('n1') }), /not bound to a pod/);
  assert.throws(() => ask({ spec: bound('p', ''), user: node('n1') }), /without a uid/);
  assert.throws(() => ask({ spec: bound('p'), user: node('n2') }), /on a different node/);

  await remove('pods', 'p');
  assert.equal(tokens.authenticate(token, []), undefined);
});

test('times and kinds that cannot be are refused by name', () => {
  assert.throws(() => ask({ spec: { expirationSeconds: 599 } }), /less than 10 minutes/);
  assert.throws(() => ask({ spec: { expirationSeconds: 2 ** 33 } }), /larger than 2\^32/);
  const boundObjectRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
  assert.throws(
    () => ask({ spec: { boundObjectRef } }),
    /cannot bind token to object of type apps/,
  );
  assert.throws(() => ask({ name: 'nobody' }), /serviceaccounts "nobody" not found/);
});

test('a key that was put aside verifies what it signed, until it is removed', async () => {
  assert.equal((await stat(path.join(folder, 'service-account.key'))).mode & 0o777, 0o600);
  const token = ask();
  const old = path.join(folder, 'service-account-1.key');
  await rename(path.join(folder, 'service-account.key'), old);
  const rotated = tokensWith(await SigningKeys.open(folder));
  assert.ok(rotated.authenticate(token, []));
  assert.equal(rotated.keys.jwks().keys.length, 2);
  assert.notEqual(rotated.keys.signing.id, keys.signing.id);
  const again = await SigningKeys.open(folder);
  assert.equal(again.signing.id, rotated.keys.signing.id, 'made once');
  await rm(old);
  assert.equal(tokensWith(await SigningKeys.open(folder)).authenticate(token, []), undefined);
  await writeFile(path.join(folder, 'service-account-2.pub'), 'no key');
  await assert.rejects(SigningKeys.open(folder), /service-account-2\.pub: it is no PEM/);
});

test('fixed tokens come from a file, whose mistakes are named by line and never shown', async () => {
  const file = path.join(folder, 'tokens.csv');
  await writeFile(file, '# people\nhunter2,ann,1,"dev, ops"\n\nsesame,bob,\n');
  const fixed = await StaticTokens.read(file, ISSUER);
  assert.deepEqual(fixed.authenticate('hunter2', [])?.user, {
    name: 'ann',
    uid: '1',
    groups: ['dev', 'ops', 'system:authenticated'],
  });
  assert.deepEqual(fixed.authenticate('sesame', [])?.user, {
    name: 'bob',
    groups: ['system:authenticated'],
  });
  assert.equal(fixed.authenticate('hunter3', []), undefined);
  assert.equal(fixed.authenticate('hunter2', ['vault']), undefined);
  for (const [text, message] of [
    ['hunter2', /tokens\.csv: line 1 must be token,user,uid/],
    ['hunter2,a,1\nhunter2,b,2', /the token of line 2 is there twice/],
    ['hunter2,"a,1', /line 1 must be/],
  ] as const) {
    await writeFile(file, text);
    await assert.rejects(StaticTokens.read(file, ISSUER), (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  }
  await rm(file);
  await assert.rejects(StaticTokens.read(file, ISSUER), /tokens\.csv: it cannot be read/);
});
