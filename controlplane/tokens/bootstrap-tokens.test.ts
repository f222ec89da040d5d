import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { StoredObject } from '../store/types.ts';

import { BootstrapTokens } from './bootstrap-tokens.ts';

const ID = 'abc123';
const SECRET = '0123456789abcdef';
const GROUP = 'system:bootstrappers:kubeadm:default-node-token';
const AUDIENCE = 'https://kubernetes.default.svc';
const NOW = Date.parse('2026-01-01T00:00:00Z');

interface Change {
  readonly data?: Readonly<Record<string, string>>;
  readonly type?: string;
  readonly metadata?: object;
}

function tokens({ data = {}, type = 'bootstrap.kubernetes.io/token', metadata = {} }: Change = {}) {
  const all = {
    'token-id': ID,
    'token-secret': SECRET,
    'usage-bootstrap-authentication': 'true',
    'auth-extra-groups': GROUP,
    ...data,
  };
  const encoded = Object.fromEntries(
    Object.entries(all).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
  const object = { metadata: { name: `bootstrap-token-${ID}`, ...metadata }, type, data: encoded };
  const stored = { bytes: Buffer.from(JSON.stringify(object)) } as unknown as StoredObject;
  return new BootstrapTokens({
    store: {
      get: (resource, namespace, name) =>
        `${resource} ${namespace}/${name}` === `core/secrets kube-system/bootstrap-token-${ID}`
          ? stored
          : undefined,
    },
    clock: { now: () => NOW, monotonic: () => 0, schedule: () => () => undefined },
    audience: AUDIENCE,
  });
}

test('a token stands for whoever may ask for a certificate, and for nobody else', () => {
  const found = tokens().authenticate(`${ID}.${SECRET}`, []);
  assert.deepEqual(found, {
    user: {
      name: `system:bootstrap:${ID}`,
      groups: ['system:bootstrappers', GROUP, 'system:authenticated'],
    },
    audiences: [AUDIENCE],
  });
  assert.equal(tokens().authenticate(`${ID}.${SECRET}`, ['other']), undefined);
});

const WRONG: readonly (readonly [string, string, Change])[] = [
  ['another secret', `${ID}.0123456789abcdeX`.toLowerCase(), {}],
  ['another id', `abc124.${SECRET}`, {}],
  ['no token at all', 'eyJhbGciOi', {}],
  ['a path in the id', `../123.${SECRET}`, {}],
  ['one that has ended', `${ID}.${SECRET}`, { data: { expiration: '2025-12-31T23:59:59Z' } }],
  ['an end that is none', `${ID}.${SECRET}`, { data: { expiration: 'tomorrow' } }],
  ['one for something else', `${ID}.${SECRET}`, { data: { 'usage-bootstrap-authentication': '' } }],
  ['a Secret of another type', `${ID}.${SECRET}`, { type: 'Opaque' }],
  ['a Secret of another name', `${ID}.${SECRET}`, { data: { 'token-id': 'abc124' } }],
  ['one that goes', `${ID}.${SECRET}`, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }],
  ['the group of others', `${ID}.${SECRET}`, { data: { 'auth-extra-groups': 'system:masters' } }],
];

for (const [what, token, change] of WRONG)
  test(`nobody comes in with ${what}`, () => {
    assert.equal(tokens(change).authenticate(token, []), undefined);
  });

test('one without an end, and one whose end is to come, hold', () => {
  for (const expiration of ['', '2026-01-01T00:00:01Z'])
    assert.ok(tokens({ data: { expiration } }).authenticate(`${ID}.${SECRET}`, []) !== undefined);
});
