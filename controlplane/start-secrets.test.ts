// Keys under a whole server: missing, of another cluster, changed from one source to another; and what may be asked by whom.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { agentOf, call, startTestPlane, testOptions } from './control-plane-fixture.ts';
import { startControlPlane } from './start.ts';
import type { ControlPlaneOptions } from './start.ts';

const SECRETS = '/api/v1/namespaces/default/secrets';
const KEYS = '/windlass/v1/secrets';
const folder = mkdtempSync(path.join(tmpdir(), 'windlass-start-secrets-'));
after(() => rmSync(folder, { recursive: true }));

type Keys = ControlPlaneOptions['secretsKeys'];

async function serve(dataDir: string, changes: Partial<ControlPlaneOptions> = {}) {
  const plane = await startControlPlane(
    testOptions(dataDir, changes),
    new AbortController().signal,
  );
  const admin = await agentOf(plane.adminKubeconfig);
  const ask = (method: string, where: string, body?: unknown) =>
    call(plane.url, admin, method, where, body);
  return {
    plane,
    ask,
    stop: async () => {
      admin.destroy();
      await plane.close();
    },
  };
}

async function makeSecret(dataDir: string, changes: Partial<ControlPlaneOptions> = {}) {
  const server = await serve(dataDir, changes);
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data: { k: 'dg==' } };
  assert.equal((await server.ask('POST', SECRETS, secret)).code, 201);
  return server;
}

test('without the key that Secrets are sealed with the server refuses to start and makes no other', async () => {
  const dataDir = path.join(folder, 'lost');
  const server = await makeSecret(dataDir);
  assert.equal(server.plane.secretsKeyMadeIn, `${dataDir}.key`);
  await server.stop();
  renameSync(`${dataDir}.key`, `${dataDir}.aside`);
  const message = new RegExp(
    String.raw`default/a: it was sealed with key [0-9a-f]{16}, which is not in .*lost\.key \(no key there\); put back`,
  );
  await assert.rejects(serve(dataDir), { name: 'SecretsKeyError', message });
  assert.ok(!existsSync(`${dataDir}.key`));

  // The key of another cluster is as good as none, and is left alone.
  const other = path.join(folder, 'other');
  await (await serve(other)).stop();
  const secretsKeys: Keys = [{ type: 'file', path: `${other}.key` }];
  await assert.rejects(serve(dataDir, { secretsKeys }), /is not in .*other\.key; put back/);

  renameSync(`${dataDir}.aside`, `${dataDir}.key`);
  const again = await serve(dataDir);
  assert.equal((await again.ask('GET', `${SECRETS}/a`)).code, 200);
  assert.equal(again.plane.secretsKeyMadeIn, undefined);
  await again.stop();
});

test('from a key file to a plugin: both at first, a rotation, then the plugin alone', async () => {
  const dataDir = path.join(folder, 'moved');
  await (await makeSecret(dataDir)).stop();
  const program = path.join(folder, 'plugin.mjs');
  writeFileSync(
    program,
    `import { readFileSync } from 'node:fs';
     const question = JSON.parse(readFileSync(0, 'utf8'));
     const turn = (text) => Buffer.from(text, 'base64').map((byte) => byte ^ 0x33).toString('base64');
     const { apiVersion, operation, plaintext, ciphertext } = question;
     console.log(JSON.stringify(operation === 'wrap'
       ? { apiVersion, ciphertext: turn(plaintext) } : { apiVersion, plaintext: turn(ciphertext) }));`,
  );
  const plugin = {
    type: 'exec',
    command: [process.execPath, program],
    environment: process.env,
  } as const;
  const file = { type: 'file', path: `${dataDir}.key` } as const;

  await assert.rejects(serve(dataDir, { secretsKeys: [plugin] }), /\(no key there\); put back/);
  const both = await serve(dataDir, { secretsKeys: [plugin, file] });
  assert.equal((await both.ask('GET', `${SECRETS}/a`)).code, 200);
  const begun = await both.ask('POST', `${KEYS}/rotate`);
  assert.deepEqual([begun.code, begun.json['isNewKey']], [202, false]);
  for (;;) {
    const { json } = await both.ask('GET', KEYS);
    if ((json['rotation'] as { state: string }).state === 'Done') break;
  }
  await both.stop();

  // History still holds versions of the old key, and so may be read only with it until it is compacted.
  await assert.rejects(serve(dataDir, { secretsKeys: [plugin] }), /put back/);
  const after = await serve(dataDir, { secretsKeys: [plugin, file] });
  assert.equal((await after.ask('GET', `${SECRETS}/a`)).code, 200);
  const { json } = await after.ask('GET', KEYS);
  const keys = json['keys'] as { source: string; isSealing: boolean; objects: number }[];
  assert.deepEqual(
    keys.map(({ source, isSealing, objects }) => [source.split(' ')[0], isSealing, objects]),
    [
      [file.path, false, 0],
      ['plugin', true, 1],
    ],
  );
  await after.stop();

  // A plugin that is gone: nothing starts without it.
  rmSync(program);
  const gone = serve(dataDir, { secretsKeys: [plugin, file] });
  await assert.rejects(gone, { name: 'SecretsKeyError', message: /the plugin .* exited with 1/ });
});

test('kinds that are sealed on demand: what was in the clear is sealed by a rotation', async () => {
  const dataDir = path.join(folder, 'kinds');
  const maps = '/api/v1/namespaces/default/configmaps';
  const first = await serve(dataDir);
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, data: { k: 'v' } };
  assert.equal((await first.ask('POST', maps, map)).code, 201);
  await first.stop();
  const sealed = await serve(dataDir, { sealKinds: ['core/configmaps'] });
  assert.ok(Number((await sealed.ask('GET', KEYS)).json['unsealedObjects']) > 0);
  await sealed.ask('POST', `${KEYS}/rotate`);
  for (;;) {
    const { json } = await sealed.ask('GET', KEYS);
    if ((json['rotation'] as { state: string }).state === 'Done') break;
  }
  assert.equal((await sealed.ask('GET', KEYS)).json['unsealedObjects'], 0);
  await sealed.stop();
  // No longer asked for: what is sealed is read all the same.
  const without = await serve(dataDir);
  const found = await without.ask('GET', `${maps}/m`);
  assert.deepEqual(found.json['data'], { k: 'v' });
  await without.stop();
});

test('only administrators may ask about keys or change them, and nobody sees one', async () => {
  const server = await startTestPlane();
  try {
    const { url } = server.plane;
    for (const agent of [server.node, server.anonymous]) {
      assert.equal((await call(url, agent, 'GET', KEYS)).code, 403);
      assert.equal((await call(url, agent, 'POST', `${KEYS}/rotate`)).code, 403);
      assert.equal((await call(url, agent, 'POST', `${KEYS}/prune`)).code, 403);
    }
    assert.equal((await call(url, server.admin, 'POST', KEYS)).code, 405);
    assert.equal((await call(url, server.admin, 'GET', `${KEYS}/rotate`)).code, 405);
    assert.equal((await call(url, server.admin, 'GET', `${KEYS}/x`)).code, 404);
    const { code, text } = await call(url, server.admin, 'GET', KEYS);
    assert.equal(code, 200);
    assert.match(
      text,
      /^\{"keys":\[\{"id":"[0-9a-f]{16}","source":"[^"]+","isSealing":true,"objects":\d+\}\],"unsealedObjects":0\}\n$/,
    );
  } finally {
    await server.close();
  }
});
