import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestKeys, testKey, testRing } from './keys-fixture.ts';
import { Keyring } from './keyring.ts';
import { Sealer } from './sealer.ts';

const bytes = Buffer.from('{"kind":"Secret"}');

test('Sealer seals Secrets, leaves the rest, and refuses a Secret in the clear', async () => {
  const sealer = new Sealer(await testRing('a'));
  const sealed = sealer.toStorage('core/secrets', 'default/a', bytes, 3);
  assert.ok(!Buffer.from(sealed).includes('Secret'));
  assert.deepEqual(sealer.fromStorage('core/secrets', 'default/a', sealed, 3), bytes);
  assert.equal(sealer.toStorage('core/pods', 'default/a', bytes, 4), bytes);
  assert.equal(sealer.fromStorage('core/pods', 'default/a', bytes, 4), bytes);
  assert.throws(
    () => sealer.fromStorage('core/secrets', 'default/a', bytes, 3),
    /without encryption/,
  );
});

test('of kinds that were added later, what lies in the clear is read and known', async () => {
  const sealer = new Sealer(await testRing('a'), ['core/configmaps']);
  const place = { kind: 'core/configmaps', key: 'default/a' };
  assert.equal(sealer.fromStorage(place.kind, place.key, bytes, 3), bytes);
  assert.equal(sealer.keyIdOf({ ...place, revision: 3 }), '');
  const sealed = sealer.toStorage(place.kind, place.key, bytes, 4);
  assert.ok(!Buffer.from(sealed).includes('Secret'));
  assert.equal(sealer.keyIdOf({ ...place, revision: 4 }), testKey('a').id);
  // Left out again later: what is sealed still opens.
  const without = new Sealer(await testRing('a'));
  assert.deepEqual(without.fromStorage(place.kind, place.key, sealed, 4), bytes);
});

test('Sealer knows which key each version of an object is sealed with', async () => {
  const keyring = await Keyring.open([new TestKeys(['new', 'old'], ['newest'])]);
  const sealer = new Sealer(keyring);
  const place = { kind: 'core/secrets', key: 'default/a' };
  const old = new Sealer(await testRing('old')).toStorage(place.kind, place.key, bytes, 5);
  sealer.fromStorage(place.kind, place.key, old, 5);
  await sealer.loaded();
  assert.equal(sealer.madeKeyIn, undefined);
  assert.equal(sealer.keyIdOf({ ...place, revision: 5 }), testKey('old').id);
  sealer.toStorage(place.kind, place.key, bytes, 6);
  await keyring.makeSealingKey();
  sealer.toStorage(place.kind, 'default/b', bytes, 7);
  assert.equal(sealer.keyIdOf({ ...place, revision: 6 }), testKey('new').id);
  assert.equal(sealer.keyIdOf({ ...place, key: 'default/b', revision: 7 }), testKey('newest').id);
  // A write that failed took revision 6: the object stays at 5.
  assert.equal(sealer.keyIdOf({ ...place, revision: 5 }), testKey('old').id);
});

test('the first key is made only when the data has been seen, and needs none that is missing', async () => {
  const sealed = new Sealer(await testRing('lost')).toStorage('core/secrets', 'a/b', bytes, 1);
  const source = new TestKeys([], ['made']);
  const sealer = new Sealer(await Keyring.open([source]));
  assert.throws(
    () => sealer.fromStorage('core/secrets', 'a/b', sealed, 1),
    /sealed with key .* which is not in memory/,
  );
  assert.deepEqual(await source.load(), []);
  const empty = new Sealer(await Keyring.open([source]));
  await empty.loaded();
  assert.equal(empty.madeKeyIn, 'memory');
  assert.deepEqual(
    (await source.load()).map(({ id }) => id),
    [testKey('made').id],
  );
});
