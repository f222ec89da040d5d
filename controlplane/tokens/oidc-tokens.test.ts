// Tokens of an issuer of OpenID Connect: a real https server with keys of its own.
import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';

import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import type { CryptoKey, JWK } from 'jose';

import { silentLogger } from '#platform/logging.ts';

import { issueAuthority, issueCertificate } from '../identity/issuer.ts';
import type { KeyPair } from '../identity/issuer.ts';
import { TestClock } from '../registry/registry-fixture.ts';
import type { JwtIssuerSettings } from './jwt-issuer.ts';
import { OidcTokens } from './oidc-tokens.ts';

const AUDIENCE = 'https://kubernetes.default.svc';

let server: Server;
let authority: KeyPair;
let url: string;
let clock: TestClock;
/** What the issuer publishes. */
let published: JWK[] = [];
let fetches = 0;
let isDown = false;
let keys: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey };

before(async () => {
  const validity = { notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 3_600_000 };
  authority = await issueAuthority('issuer-ca', validity);
  const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] };
  const request = { usage: 'server', commonName: 'issuer', ...names } as const;
  const { certificate, privateKey } = await issueCertificate(authority, request, validity);
  server = createServer({ cert: certificate, key: privateKey }, (incoming, response) => {
    fetches += 1;
    if (isDown) response.writeHead(503);
    response.end(
      incoming.url === '/keys'
        ? JSON.stringify({ keys: published })
        : JSON.stringify({ issuer: url, jwks_uri: `${url}/keys` }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());
describe('OidcTokens', () => {
  beforeEach(async () => {
    clock = new TestClock();
    isDown = false;
    fetches = 0;
    keys = await generateKeyPair('ES256');
    published = [{ ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256' }];
  });

  function tokensWith(changes: Partial<JwtIssuerSettings> = {}): OidcTokens {
    const settings = {
      url,
      certificateAuthority: authority.certificate,
      audiences: ['windlass'],
      algorithms: ['ES256'],
      username: { claim: 'sub', prefix: 'oidc:' },
      groups: { claim: 'groups', prefix: 'oidc:' },
      requiredClaims: {},
      ...changes,
    };
    return new OidcTokens({ settings, clock, logger: silentLogger, audience: AUDIENCE });
  }

  function claims(changes: object = {}): Record<string, unknown> {
    const now = Math.floor(clock.now() / 1000);
    return { iss: url, aud: 'windlass', sub: 'ann', iat: now, exp: now + 300, ...changes };
  }

  function signed(
    changes: object = {},
    kid = 'one',
    key: CryptoKey = keys.privateKey,
  ): Promise<string> {
    return new SignJWT(claims(changes)).setProtectedHeader({ alg: 'ES256', kid }).sign(key);
  }

  test('a token of the issuer is who its claims say', async () => {
    const tokens = tokensWith({ uidClaim: 'oid' });
    const token = await signed({ groups: ['dev', 'ops'], oid: '7' });
    const found = await tokens.authenticate(token, []);
    assert.deepEqual(found, {
      user: {
        name: 'oidc:ann',
        uid: '7',
        groups: ['oidc:dev', 'oidc:ops', 'system:authenticated'],
      },
      audiences: [AUDIENCE],
    });
    assert.deepEqual(tokens.authenticate(token, []), found, 'at once the second time');
    assert.equal(fetches, 2, 'the document and the keys, once');
    assert.equal(await tokens.authenticate(token, ['other']), undefined);
  });

  test('what is not for us, has ended, is of others or not signed is nobody’s', async () => {
    const tokens = tokensWith({ requiredClaims: { hd: 'example.com' } });
    const now = Math.floor(clock.now() / 1000);
    const hd = 'example.com';
    assert.ok(await tokens.authenticate(await signed({ hd }), []));
    const foreign = await generateKeyPair('ES256');
    const secret = new TextEncoder().encode(JSON.stringify(published[0]));
    for (const [why, token] of [
      ['another audience', await signed({ hd, aud: 'x' })],
      ['another issuer', await signed({ hd, iss: 'https://example.com' })],
      ['ended', await signed({ hd, exp: now - 11 })],
      ['without an end', await signed({ hd, exp: undefined })],
      ['not yet', await signed({ hd, nbf: now + 60 })],
      ['without the claim', await signed()],
      ['with another', await signed({ hd: 'example.org' })],
      ['no name', await signed({ hd, sub: undefined })],
      ['a name that is no text', await signed({ hd, sub: ['a'] })],
      ['groups that are no texts', await signed({ hd, groups: [1] })],
      ['a key of others', await signed({ hd }, 'one', foreign.privateKey)],
      ['no signature', new UnsecuredJWT(claims({ hd })).encode()],
      [
        'the public key as a shared secret',
        await new SignJWT(claims({ hd }))
          .setProtectedHeader({ alg: 'HS256', kid: 'one' })
          .sign(secret),
      ],
    ] as const)
      assert.equal(await tokens.authenticate(token, []), undefined, why);
  });

  test('clocks may differ by some seconds, and a token is not believed beyond its end', async () => {
    const tokens = tokensWith();
    const now = Math.floor(clock.now() / 1000);
    assert.ok(await tokens.authenticate(await signed({ nbf: now + 5 }), []));
    const token = await signed({ exp: now + 4 });
    assert.ok(await tokens.authenticate(token, []));
    clock.advance(20_000);
    assert.equal(await tokens.authenticate(token, []), undefined);
  });

  test('an address counts when the issuer checked it', async () => {
    const tokens = tokensWith({ username: { claim: 'email', prefix: '' } });
    const email = 'ann@example.com';
    const found = await tokens.authenticate(await signed({ email, email_verified: true }), []);
    assert.equal(found?.user.name, email);
    assert.equal(
      await tokens.authenticate(await signed({ email, email_verified: false }), []),
      undefined,
    );
  });

  test('new keys are found when a token names one, old ones are forgotten in time, and nobody makes us ask all the time', async () => {
    const tokens = tokensWith();
    assert.ok(await tokens.authenticate(await signed(), []));
    const next = await generateKeyPair('ES256');
    published = [{ ...(await exportJWK(next.publicKey)), kid: 'two', alg: 'ES256' }];
    const token = await signed({}, 'two', next.privateKey);
    assert.equal(await tokens.authenticate(token, []), undefined, 'asked a moment ago');
    clock.advance(10_000);
    assert.ok(await tokens.authenticate(token, []));
    const asked = fetches;
    for (let index = 0; index < 20; index += 1)
      await tokens.authenticate(await signed({}, `made up ${index}`), []);
    assert.equal(fetches, asked);
    clock.advance(600_000);
    published = [];
    isDown = true;
    assert.ok(
      await tokens.authenticate(await signed({}, 'two', next.privateKey), []),
      'kept while the issuer is away',
    );
  });

  test('an issuer that cannot be had, or is another, is believed nothing', async () => {
    isDown = true;
    const tokens = tokensWith();
    assert.equal(await tokens.authenticate(await signed(), []), undefined);
    isDown = false;
    clock.advance(10_000);
    assert.ok(await tokens.authenticate(await signed(), []), 'once it is back');
    const other = tokensWith({ url: `${url}/other` });
    assert.equal(await other.authenticate(await signed({ iss: `${url}/other` }), []), undefined);
    const untrusted = tokensWith({ certificateAuthority: undefined as never });
    assert.equal(await untrusted.authenticate(await signed(), []), undefined);
  });
});
