// The console as a client meets it: its files with their headers, and signing in and out.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

import { eventually } from '#test/support/eventually.ts';

import { call, open, startTestPlane } from './control-plane-fixture.ts';
import type { Answer, TestPlane } from './control-plane-fixture.ts';

const CODES = '/windlass/v1/console/codes';
const SESSIONS = '/windlass/v1/console/sessions';
const WHO = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

/** Bodies, too. */
const EVERYTHING = {
  level: 'RequestResponse',
  users: [],
  userGroups: [],
  verbs: [],
  resources: [],
  namespaces: [],
  nonResourceURLs: [],
  omitStages: [],
  omitManagedFields: false,
} as const;

let folder: string;
let fixture: TestPlane;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'windlass-console-'));
  await writeFile(path.join(folder, 'tokens'), 'pasted,ann,,"team"\n');
  fixture = await startTestPlane({
    authentication: { tokenAuthFile: path.join(folder, 'tokens') },
    audit: {
      policy: { rules: [EVERYTHING] },
      path: path.join(folder, 'audit.log'),
      maxBytes: 1e9,
      maxBackups: 1,
    },
  });
});
after(async () => {
  await fixture.close();
  await rm(folder, { recursive: true, force: true });
});

const bearer = (token: unknown): Readonly<Record<string, string>> => ({
  authorization: `Bearer ${String(token)}`,
});

async function whoIs(token: unknown): Promise<string> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const { plane, anonymous } = fixture;
  const { json } = await call(plane.url, anonymous, 'POST', WHO, review, {
    'content-type': 'application/json',
    ...bearer(token),
  });
  const status = json['status'] as { readonly userInfo?: { readonly username: string } } | string;
  return typeof status === 'string' ? status : (status.userInfo?.username ?? '');
}

function exchange(code: unknown): Promise<Answer> {
  return call(fixture.plane.url, fixture.anonymous, 'POST', SESSIONS, { code });
}

test('ControlPlane signs in to the console once for each code, as whoever asked for it', async () => {
  const { plane, admin } = fixture;
  const offer = await call(plane.url, admin, 'POST', CODES);
  assert.equal(offer.code, 201, offer.text);
  assert.equal(offer.headers['cache-control'], 'no-store');
  assert.equal(await whoIs(offer.json['code']), 'Failure', 'a code is no token');
  const session = await exchange(offer.json['code']);
  assert.equal(session.code, 201, session.text);
  assert.equal(session.headers['cache-control'], 'no-store');
  assert.deepEqual(session.json['user'], {
    name: 'admin',
    groups: ['system:masters', 'system:authenticated'],
  });
  assert.equal(await whoIs(session.json['token']), 'admin');
  const state = await call(plane.url, admin, 'GET', `${CODES}/${String(offer.json['id'])}`);
  assert.deepEqual(state.json, { state: 'Used' });

  const again = await exchange(offer.json['code']);
  assert.equal(again.code, 401);
  assert.match(String(again.json['message']), /was used before, or is older than a minute/);

  await call(
    plane.url,
    fixture.anonymous,
    'DELETE',
    SESSIONS,
    undefined,
    bearer(session.json['token']),
  );
  assert.equal(await whoIs(session.json['token']), 'Failure', 'signed out');
});

test('ControlPlane signs in with a token, but not with a session, as somebody else, or as nobody', async () => {
  const { plane, anonymous, admin } = fixture;
  const ask = (headers: Readonly<Record<string, string>>): Promise<Answer> =>
    call(plane.url, anonymous, 'POST', CODES, undefined, headers);
  const offer = await ask(bearer('pasted'));
  assert.equal(offer.code, 201, offer.text);
  const session = await exchange(offer.json['code']);
  assert.equal(await whoIs(session.json['token']), 'ann');

  const renewed = await ask(bearer(session.json['token']));
  assert.equal(renewed.code, 403);
  assert.match(String(renewed.json['message']), /sign in with credentials of your own/);
  const other = { 'impersonate-user': 'bob' };
  const as = await call(plane.url, admin, 'POST', CODES, undefined, other);
  assert.equal(as.code, 403, as.text);
  assert.equal((await ask({})).code, 401);
});

test('ControlPlane says what is wrong with a request to sign in, without quoting it', async () => {
  const { plane, anonymous, admin } = fixture;
  for (const body of ['', '{', '[]', '{"code": 7}', `{"code": "${'x'.repeat(257)}"}`, '"secret"']) {
    const { code, json } = await call(plane.url, anonymous, 'POST', SESSIONS, body);
    assert.equal(code, 400, body);
    assert.match(String(json['message']), /^the body must be \{"code": "…"\}/);
  }
  assert.equal((await exchange('no-such-code')).code, 401);
  const rows: readonly (readonly [string, string, number])[] = [
    ['PUT', SESSIONS, 405],
    ['GET', CODES, 405],
    ['POST', `${CODES}/a/b`, 404],
    ['POST', '/windlass/v1/console/other', 404],
    ['POST', '/console', 405],
    ['GET', '/console/no-such-file', 404],
    ['GET', '/console/../start.ts', 404],
    ['GET', '/console/%2e%2e/start.ts', 404],
    ['GET', '/console/tsconfig.json', 404],
    ['GET', '/console/route.test.ts', 404],
  ];
  for (const [method, url, code] of rows)
    assert.equal((await call(plane.url, admin, method, url)).code, code, `${method} ${url}`);
});

test('ControlPlane writes no code and no token of the console into the audit log', async () => {
  const { plane, admin } = fixture;
  const offer = await call(plane.url, admin, 'POST', CODES);
  const session = await exchange(offer.json['code']);
  await whoIs(session.json['token']);
  const last = String(session.headers['audit-id']);
  const log = await eventually('the exchange is written down', async () => {
    const text = await readFile(path.join(folder, 'audit.log'), 'utf8');
    const lines = text.split('\n').filter((line) => line.includes(last));
    assert.ok(lines.some((line) => line.includes('"stage":"ResponseComplete"')));
    return text;
  });
  assert.match(log, /"requestURI":"\/windlass\/v1\/console\/sessions"/);
  for (const secret of [offer.json['code'], session.json['token']])
    assert.equal(log.includes(String(secret)), false);
});

test('ControlPlane hands out the console with a strict policy, compressed, and only when it has changed', async () => {
  const { plane, anonymous } = fixture;
  const page = await call(plane.url, anonymous, 'GET', '/console');
  assert.equal(page.code, 200, page.text);
  const policy = String(page.headers['content-security-policy']);
  assert.match(policy, /^default-src 'none'; script-src 'self'; /);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  assert.equal(page.headers['x-content-type-options'], 'nosniff');
  assert.equal(page.headers['referrer-policy'], 'no-referrer');
  assert.doesNotMatch(page.text, /<script(?![^>]* src=)|<style|\son\w+=|style=|https?:/);

  const named = [...page.text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, url = '']) => url);
  assert.ok(named.length > 10, 'every module is named, so that they load side by side');
  for (const url of named) {
    const file = await call(plane.url, anonymous, 'GET', url);
    assert.equal(file.code, 200, url);
    assert.match(String(file.headers['content-type']), /javascript|css|svg/, url);
    assert.equal(file.headers['x-content-type-options'], 'nosniff', url);
    const packed = async (name: string, accepted: string): Promise<Buffer> => {
      const headers = { 'accept-encoding': accepted };
      const response = await open(plane.url, anonymous, 'GET', url, undefined, headers);
      assert.equal(response.headers['content-encoding'], name, url);
      return Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>));
    };
    const brotli = await packed('br', 'gzip, deflate, br');
    assert.equal(brotliDecompressSync(brotli).toString('utf8'), file.text);
    assert.equal(
      gunzipSync(await packed('gzip', 'gzip, br;q=0, deflate')).toString('utf8'),
      file.text,
    );
    const etag = String(file.headers['etag']);
    const known = { 'if-none-match': etag };
    const same = await call(plane.url, anonymous, 'GET', url, undefined, known);
    assert.equal(same.code, 304, url);
    assert.equal(same.text, '');
  }
});

test('ControlPlane without a console has no such page, no codes and no sessions', async () => {
  const without = await startTestPlane({ console: false });
  try {
    const { plane, admin } = without;
    assert.equal((await call(plane.url, admin, 'GET', '/console')).code, 404);
    assert.equal((await call(plane.url, admin, 'POST', CODES)).code, 404);
    assert.equal((await call(plane.url, admin, 'POST', SESSIONS, { code: 'x' })).code, 404);
  } finally {
    await without.close();
  }
});
