// The conformance suite through the sealing provider, over real SQLite files, and what those files hold.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { parseMachineId } from '../machine-id.ts';
import type { MachineId } from '../machine-id.ts';
import { testProvider } from '../provider-conformance.ts';
import { SqlitePersistenceProvider } from '../sqlite/provider.ts';
import type { Keyring } from './keyring.ts';
import { testRing } from './keys-fixture.ts';
import { SecretLogPersistenceProvider, SecretPersistenceProvider } from './provider.ts';
import { Sealer } from './sealer.ts';

const machine = parseMachineId('f'.repeat(32)) as MachineId;
let root: string;
let keyring: Keyring;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'windlass-sealed-'));
  keyring = await testRing('a');
});
after(() => rm(root, { recursive: true }));

testProvider(test, 'SecretLogPersistenceProvider', async () => {
  const directory = await mkdtemp(join(root, 'site-'));
  const paths = [join(directory, 'one.db'), join(directory, 'two.db')];
  return {
    open: () =>
      new SecretLogPersistenceProvider(
        new SqlitePersistenceProvider({ paths, clock: systemClock }),
        new Sealer(keyring, ['core/things']),
      ),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
});

test('SecretPersistenceProvider leaves nothing of a Secret in the files below', async () => {
  const directory = await mkdtemp(join(root, 'files-'));
  const sqlite = new SqlitePersistenceProvider({
    paths: [join(directory, 'state.db')],
    clock: systemClock,
  });
  await sqlite.initialize(machine);
  const [instance = ''] = sqlite.instances();
  const provider = new SecretPersistenceProvider(sqlite, new Sealer(keyring));
  assert.deepEqual([...provider.sealedKinds], ['core/secrets']);
  const value = Buffer.from('{"password":"swordfish"}');
  assert.equal(
    await provider.putObject(instance, { kind: 'core/secrets', key: 'a/b', value }),
    'a/b',
  );
  await provider.putObject(instance, {
    kind: 'core/pods',
    key: 'a/b',
    value: Buffer.from('plainly'),
  });
  const found = await provider.getObject(instance, 'core/secrets', 'a/b');
  assert.deepEqual(Buffer.from(found?.value ?? []), value);
  assert.equal((await provider.getAllObjects(instance, 'core/secrets')).length, 1);
  await sqlite[Symbol.asyncDispose]();
  const names = await readdir(directory);
  const files = await Promise.all(names.map((name) => readFile(join(directory, name))));
  assert.ok(!files.some((file) => file.includes('swordfish')));
  assert.ok(
    files.some((file) => file.includes('plainly')),
    'the search finds what is in the clear',
  );
});
