// The data directory under a whole server: full, shared, copied, foreign, damaged; and a server that stood still.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { CONFIG_MAPS, agentOf, call, configMap, testOptions } from './control-plane-fixture.ts';
import { startServerProcess } from './process-fixture.ts';
import { startControlPlane } from './start.ts';
import type { ControlPlaneOptions } from './start.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'windlass-storage-'));
const small = path.join(folder, 'small');
mkdirSync(small);
const isMounted = mountSmall();
after(() => {
  if (isMounted) execFileSync('umount', [small]);
  rmSync(folder, { recursive: true });
});

function mountSmall(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', small], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

interface Served {
  readonly url: string;
  readonly admin: Agent;
  stop(): Promise<void>;
}

/** A server in this process. Rejects as startControlPlane() does, with the error's class in front of its message. */
async function serve(dataDir: string, changes: Partial<ControlPlaneOptions> = {}): Promise<Served> {
  const plane = await startControlPlane(
    testOptions(dataDir, changes),
    new AbortController().signal,
  ).catch((error: Error) => {
    throw new Error(`${error.name}: ${error.message}`);
  });
  const admin = await agentOf(plane.adminKubeconfig);
  return {
    url: plane.url,
    admin,
    async stop() {
      admin.destroy();
      await plane.close();
    },
  };
}

/** A data directory with one ConfigMap, whose server has stopped: all lies in the one file. */
async function makeData(name: string): Promise<string> {
  const dataDir = path.join(folder, name);
  const server = await serve(dataDir);
  const made = await call(server.url, server.admin, 'POST', CONFIG_MAPS, configMap('kept'));
  assert.equal(made.code, 201);
  await server.stop();
  return dataDir;
}

async function assertKept(dataDir: string): Promise<void> {
  const server = await serve(dataDir);
  const found = await call(server.url, server.admin, 'GET', `${CONFIG_MAPS}/kept`);
  await server.stop();
  assert.equal(found.code, 200);
}

const skip = !isMounted && process.env['CI'] !== 'true' && 'a small tmpfs cannot be mounted here';

test(
  'on a full disk writes are 503 with the reason, reads go on, and space brings it back',
  { skip },
  async () => {
    const server = await serve(path.join(small, 'data'), {
      secretsKeys: [{ type: 'file', path: path.join(folder, 'small.key') }],
    });
    const { url, admin } = server;
    const create = (name: string, bytes: number) =>
      call(url, admin, 'POST', CONFIG_MAPS, configMap(name, { data: { k: 'x'.repeat(bytes) } }));
    try {
      assert.equal((await create('before', 100)).code, 201);
      const ballast = path.join(small, 'ballast');
      assert.throws(() => writeFileSync(ballast, Buffer.alloc(16 << 20)), { code: 'ENOSPC' });
      let refused = await create('refused-0', 900_000);
      for (let n = 1; refused.code === 201 && n < 10; n += 1)
        refused = await create(`refused-${n}`, 900_000);
      assert.equal(refused.code, 503, refused.text);
      assert.equal(refused.json['reason'], 'ServiceUnavailable');
      assert.match(String(refused.json['message']), /could not be made durable.*no space left/);
      assert.equal((await call(url, admin, 'GET', `${CONFIG_MAPS}/before`)).code, 200);
      assert.equal((await call(url, admin, 'GET', '/livez')).code, 200);
      rmSync(ballast);
      assert.equal((await create('after', 900_000)).code, 201);
      assert.equal((await call(url, admin, 'GET', '/readyz')).text, 'ok');
    } finally {
      await server.stop();
    }
  },
);

test('a second server on one data directory is refused, and the first goes on', async () => {
  const dataDir = path.join(folder, 'shared');
  const first = await startServerProcess(dataDir);
  await assert.rejects(serve(dataDir), /InstanceLockedError: .*state\.db/);
  const made = await call(first.url, first.admin, 'POST', CONFIG_MAPS, configMap('a'));
  assert.equal(made.code, 201);
  await first.kill();
});

test('a copied data directory starts as what it is', async () => {
  const dataDir = await makeData('original');
  const copy = path.join(folder, 'copy');
  cpSync(dataDir, copy, { recursive: true });
  copyFileSync(`${dataDir}.key`, `${copy}.key`);
  await assertKept(copy);
});

test('a data directory without the key of its Secrets is refused before anything is written', async () => {
  const dataDir = await makeData('keyless');
  const server = await serve(dataDir);
  const secret = { metadata: { name: 's' }, stringData: { k: 'v' } };
  const secrets = '/api/v1/namespaces/default/secrets';
  assert.equal((await call(server.url, server.admin, 'POST', secrets, secret)).code, 201);
  await server.stop();
  const key = readFileSync(`${dataDir}.key`);
  rmSync(`${dataDir}.key`);
  await assert.rejects(serve(dataDir), /key/i);
  writeFileSync(`${dataDir}.key`, key, { mode: 0o600 });
  const again = await serve(dataDir);
  assert.equal((await call(again.url, again.admin, 'GET', `${secrets}/s`)).code, 200);
  await again.stop();
});

test('a damaged database is refused with its path, and nothing of it is overwritten', async () => {
  const dataDir = await makeData('damaged');
  const database = path.join(dataDir, 'state.db');
  const whole = readFileSync(database);
  assert.ok(whole.includes('"name":"kept"'), 'the object must be in the file');

  const damages: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
    'a changed header': (bytes) => flip(bytes, 3),
    'a changed page': (bytes) => bytes.fill(0xff, 4096, 8192),
    'cut in the middle': (bytes) => bytes.subarray(0, Math.floor(bytes.length / 2)),
    'cut to a few bytes': (bytes) => bytes.subarray(0, 100),
  };
  for (const [what, damage] of Object.entries(damages)) {
    const damaged = Buffer.from(damage(Buffer.from(whole)));
    writeFileSync(database, damaged);
    await assert.rejects(
      serve(dataDir),
      (error: Error) =>
        /^(CorruptDataError|ForeignDataError): .*state\.db/.test(error.message) ||
        assert.fail(`${what}: ${error.message}`),
      what,
    );
    assert.ok(readFileSync(database).equals(damaged), `${what}: overwritten`);
  }
  writeFileSync(database, whole);
  await assertKept(dataDir);
});

test('a changed value is refused, and mending it is all that it takes', async () => {
  const dataDir = await makeData('changed');
  const database = path.join(dataDir, 'state.db');
  const flipValue = (): void => {
    const bytes = readFileSync(database);
    // Not in the name, so that it is found again.
    writeFileSync(database, flip(bytes, bytes.indexOf('"name":"kept"') + 15));
  };
  flipValue();
  await assert.rejects(serve(dataDir), /CorruptDataError: .*state\.db/);
  flipValue();
  await assertKept(dataDir);
});

function flip(bytes: Buffer, at: number): Buffer {
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x01, at);
  return bytes;
}

test('a server that stood still goes on where it was', async () => {
  const server = await startServerProcess(path.join(folder, 'still'));
  server.child.kill('SIGSTOP');
  const answers = Array.from({ length: 20 }, (_, n) =>
    call(server.url, server.admin, 'POST', CONFIG_MAPS, configMap(`s${n}`)),
  );
  await new Promise((resolve) => setImmediate(resolve));
  server.child.kill('SIGCONT');
  for (const { code } of await Promise.all(answers)) assert.equal(code, 201);
  await server.kill();
});
