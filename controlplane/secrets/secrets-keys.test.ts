import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogRecord } from '#persistence/provider.ts';
import { TestKeys, testKey } from '#persistence/secrets/keys-fixture.ts';
import { Keyring } from '#persistence/secrets/keyring.ts';
import { Sealer } from '#persistence/secrets/sealer.ts';
import { readHeader } from '#persistence/secrets/envelope.ts';
import { silentLogger } from '#platform/logging.ts';
import { fixture } from '../store/store-fixture.ts';
import type { KubernetesObject } from '../api/object.ts';
import { SecretsKeys } from './secrets-keys.ts';

const SECRETS = 'core/secrets';

function secret(name: string): KubernetesObject {
  const metadata = { name, namespace: 'default', uid: `uid-${name}` };
  return { kind: 'Secret', apiVersion: 'v1', metadata, data: { password: 'c3dvcmRmaXNo' } };
}

function at(name: string, expectedRevision: number) {
  return { resource: SECRETS, namespace: 'default', name, expectedRevision };
}

async function running(names: readonly string[]) {
  const keyring = await Keyring.open([new TestKeys(['old'], ['new', 'newer'])]);
  const sealer = new Sealer(keyring);
  const { store, log, reopen } = await fixture({ transformer: sealer });
  for (const name of names) await store.put(at(name, 0), secret(name));
  let lagging: string | undefined;
  const keys = new SecretsKeys({
    store,
    sealer,
    logger: silentLogger,
    replay: () => log.replay(),
    lagging: () => lagging,
  });
  const finished = async () => {
    for (;;) {
      const { rotation } = keys.status();
      if (rotation !== undefined && rotation.state !== 'Running') return rotation;
      await new Promise(setImmediate);
    }
  };
  return { keyring, store, log, keys, finished, reopen, lag: (name?: string) => (lagging = name) };
}

/** The keys that the newest stored version of each object is sealed with. */
function storedKeys(records: readonly LogRecord[]): readonly string[] {
  const newest = new Map(records.map(({ key, value }) => [key, value]));
  return [...newest.values()].flatMap((value) =>
    value === undefined ? [] : [readHeader(value)?.keyId ?? 'none'],
  );
}

test('rotate() seals every Secret with a new key, as writes like any other', async () => {
  const { keys, store, log, finished } = await running(['a', 'b', 'c']);
  const before = store.get(SECRETS, 'default', 'a')?.bytes.toString() ?? '';
  const begun = await keys.rotate();
  assert.deepEqual([begun.isNewKey, begun.keyId, begun.total], [true, testKey('new').id, 3]);
  const { state, done, total } = await finished();
  assert.deepEqual([state, done, total], ['Done', 3, 3]);
  const found = testKey('new').id;
  assert.deepEqual(storedKeys(log.records), [found, found, found]);
  const after = store.get(SECRETS, 'default', 'a')?.bytes.toString() ?? '';
  const plain = (text: string): string => text.replace(/"resourceVersion":"\d+"/, '');
  assert.equal(plain(after), plain(before));
  assert.notEqual(after, before, 'a new revision, so that watches and replicas see it');
  assert.deepEqual(
    keys.status().keys.map(({ id, isSealing, objects }) => [id, isSealing, objects]),
    [
      [testKey('old').id, false, 0],
      [found, true, 3],
    ],
  );
});

test('rotate() also finds the Secret whose write was under way when the key changed', async () => {
  const { keys, store, log, finished } = await running(['a']);
  log.script = () => 'hold';
  const writing = store.put(at('late', 0), secret('late'));
  const held = await log.nextHeld();
  await keys.rotate();
  log.script = () => 'succeed';
  held.succeed();
  await writing;
  await finished();
  const found = testKey('new').id;
  assert.deepEqual(storedKeys(log.records), [found, found]);
});

test('rotate() at once is refused, with the progress; then it is possible again', async () => {
  const { keys, log, finished } = await running(['a', 'b']);
  log.script = () => 'hold';
  const both = await Promise.allSettled([keys.rotate(), keys.rotate()]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  const held = await log.nextHeld();
  await assert.rejects(keys.rotate(), { name: 'SecretsBusyError', message: /0 of 2 objects/ });
  await assert.rejects(keys.prune(), { name: 'SecretsBusyError' });
  log.script = () => 'succeed';
  held.succeed();
  await finished();
  const next = await keys.rotate();
  assert.equal(next.keyId, testKey('newer').id);
  await finished();
});

test('a rotation that a full disk cut short is told, and finished without another key', async () => {
  const { keys, log, finished } = await running(['a', 'b']);
  log.script = () => new Error('no space left');
  await keys.rotate();
  const failed = await finished();
  assert.equal(failed.state, 'Failed');
  assert.match(failed.message ?? '', /no space left/);
  assert.equal(keys.staleObjects().length, 2);
  log.script = () => 'succeed';
  const again = await keys.rotate();
  assert.deepEqual([again.isNewKey, again.keyId], [false, testKey('new').id]);
  assert.equal((await finished()).state, 'Done');
  assert.equal(keys.staleObjects().length, 0);
});

test('prune() keeps what history needs or somebody may lack, and removes the rest', async () => {
  const { keys, keyring, log, finished, lag } = await running(['a']);
  await keys.rotate();
  await finished();
  lag('s3-00000000');
  await assert.rejects(keys.prune(), {
    name: 'SecretsInUseError',
    message: /s3-00000000 does not/,
  });
  lag();
  const old = testKey('old').id;
  const early = await keys.prune();
  assert.deepEqual(early.removed, []);
  assert.deepEqual(early.kept, [
    { id: old, reason: '1 stored object versions are sealed with it' },
  ]);
  // As compaction does once the history is old enough.
  log.records.splice(0, 1);
  assert.deepEqual(await keys.prune(), { removed: [old], kept: [] });
  assert.equal(keyring.find(old), undefined);
  assert.deepEqual(await keys.prune(), { removed: [], kept: [] });
});
