import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { accessOptions, authenticationOf } from './access-options.ts';
import { parseOptions } from './options.ts';

const folder = mkdtempSync(join(tmpdir(), 'windlass-access-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const settings = (...args: readonly string[]): ReturnType<typeof authenticationOf> =>
  authenticationOf(parseOptions(accessOptions, args, {}).values);

const URL_FLAG = '--oidc-issuer-url=https://id.example.com';

test('an issuer by flags', () => {
  const { issuers } = settings(
    URL_FLAG,
    '--oidc-client-id=w',
    '--oidc-groups-claim=groups',
    '--oidc-required-claim=hd=example.com',
  );
  assert.deepEqual(issuers, [
    {
      url: 'https://id.example.com',
      audiences: ['w'],
      algorithms: ['RS256'],
      username: { claim: 'sub', prefix: 'https://id.example.com#' },
      groups: { claim: 'groups', prefix: '' },
      requiredClaims: { hd: 'example.com' },
    },
  ]);
  const prefixOf = (...args: readonly string[]): string | undefined =>
    settings(URL_FLAG, '--oidc-client-id=w', ...args).issuers?.[0]?.username.prefix;
  assert.equal(prefixOf('--oidc-username-claim=email'), '');
  assert.equal(prefixOf('--oidc-username-prefix=-'), '');
  assert.equal(prefixOf('--oidc-username-prefix=sso:'), 'sso:');
});

for (const [args, message] of [
  [[URL_FLAG], /--oidc-issuer-url needs --oidc-client-id/],
  [['--oidc-client-id=w'], /--oidc-client-id needs --oidc-issuer-url/],
  [
    ['--oidc-issuer-url=http://x', '--oidc-client-id=w'],
    /must be an https URL, found "http:\/\/x"/,
  ],
  [
    [URL_FLAG, '--oidc-client-id=w', '--oidc-signing-algs=HS256'],
    /--oidc-signing-algs must be of RS256/,
  ],
  [[URL_FLAG, '--oidc-client-id=w', '--oidc-required-claim=x'], /must be CLAIM=VALUE, found "x"/],
  [
    [URL_FLAG, '--oidc-client-id=w', '--oidc-ca-file=/nowhere'],
    /--oidc-ca-file \/nowhere cannot be read/,
  ],
  [[URL_FLAG, '--oidc-client-id=w', '--authentication-config=x'], /exclude each other/],
  [['--service-account-issuer=x'], /--service-account-issuer must be an https URL/],
] as const)
  test(`${args.join(' ')} is refused`, () => {
    assert.throws(() => settings(...args), message);
  });

const HEAD = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n';
const ISSUER = '- issuer: {url: https://id.example.com, audiences: [w]}\n';

function configured(text: string): ReturnType<typeof authenticationOf> {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, text);
  return settings('--authentication-config', file);
}

test('issuers by a file', () => {
  const { issuers } = configured(
    `${HEAD}jwt:\n${ISSUER}  claimValidationRules: [{claim: hd, requiredValue: example.com}]\n  claimMappings: {username: {claim: sub, prefix: ''}, groups: {claim: g, prefix: 'g:'}, uid: {claim: oid}}\n`,
  );
  const [issuer] = issuers ?? [];
  assert.deepEqual(issuer?.username, { claim: 'sub', prefix: '' });
  assert.deepEqual(issuer?.groups, { claim: 'g', prefix: 'g:' });
  assert.equal(issuer?.uidClaim, 'oid');
  assert.deepEqual(issuer?.requiredClaims, { hd: 'example.com' });
});

for (const [text, message] of [
  ['{', /config\.yaml cannot be read/],
  ['kind: Pod', /kind is not served|must be an AuthenticationConfiguration/],
  [`${HEAD}jwt: {}`, /jwt must be a list/],
  [`${HEAD}anonymous: {enabled: false}`, /anonymous is not served; leave it out/],
  [
    `${HEAD}jwt:\n- issuer: {url: http://x}\n  claimMappings: {}`,
    /jwt\[0\]\.issuer\.audiences must name/,
  ],
  [`${HEAD}jwt:\n${ISSUER}  claimMappings: {}`, /claimMappings\.username must be an object/],
  [
    `${HEAD}jwt:\n${ISSUER}  claimMappings: {username: {claim: sub}}`,
    /username\.prefix must be given/,
  ],
  [
    `${HEAD}jwt:\n${ISSUER}  claimMappings: {username: {expression: claims.sub}}`,
    /claimMappings\.username\.expression is not served; leave it out/,
  ],
  [
    `${HEAD}jwt:\n${ISSUER}  claimMappings: {username: {claim: sub, prefix: ''}}\n  userValidationRules: []`,
    /jwt\[0\]\.userValidationRules is not served/,
  ],
] as const)
  test(`a file that says ${JSON.stringify(text.replace(HEAD, ''))} is refused`, () => {
    assert.throws(() => configured(text), message);
  });
