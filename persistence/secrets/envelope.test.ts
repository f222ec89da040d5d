import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHeader, seal, unseal } from './envelope.ts';
import { TestKeys, testRing } from './keys-fixture.ts';
import { Keyring } from './keyring.ts';
import { SecretsKey, SecretsKeyError } from './secrets-key.ts';

const place = { kind: 'core/secrets', key: 'default/a', revision: 7 };

test('unseal() opens what seal() made, and nothing in it can be read without the key', async () => {
  const keyring = await testRing('a');
  for (const size of [0, 1, 16, 2_048, 1 << 20]) {
    const plaintext = Buffer.alloc(size, 'swordfish ');
    const sealed = seal(keyring, plaintext, place);
    assert.ok(!sealed.includes('swordfish'));
    assert.deepEqual(unseal(keyring, sealed, place), plaintext);
  }
});

test('seal() never makes the same bytes twice', async () => {
  const keyring = await testRing('a');
  // Long enough that two ciphertexts are not the same by chance.
  const plain = Buffer.alloc(32, 'x');
  const tail = (bytes: Buffer): Buffer => bytes.subarray(-plain.length);
  assert.notDeepEqual(tail(seal(keyring, plain, place)), tail(seal(keyring, plain, place)));
});

test('unseal() refuses an envelope with any one bit flipped, or cut short', async () => {
  const keyring = await testRing('a');
  const sealed = seal(keyring, Buffer.from('swordfish'), place);
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const flipped = Buffer.from(sealed);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    for (const revision of [7, 0]) {
      assert.throws(() => unseal(keyring, flipped, { ...place, revision }), SecretsKeyError);
    }
  }
  for (let length = 0; length < sealed.length; length += 1) {
    assert.throws(() => unseal(keyring, sealed.subarray(0, length), place), SecretsKeyError);
  }
});

test('an envelope opens only where it belongs: kind, key and revision', async () => {
  const keyring = await testRing('a');
  const sealed = seal(keyring, Buffer.from('x'), place);
  for (const other of [{ kind: 'core/configmaps' }, { key: 'default/b' }, { revision: 8 }]) {
    assert.throws(
      () => unseal(keyring, sealed, { ...place, ...other }),
      /belong to another object/,
    );
  }
  // Where the storage does not tell the revision there is nothing to compare with.
  assert.equal(unseal(keyring, sealed, { ...place, revision: 0 }).toString(), 'x');
});

test('an envelope of version 1, as earlier servers wrote them, still opens', async () => {
  const key = new SecretsKey(Buffer.from('windlass test key, 32 bytes long'));
  const source = new TestKeys([]);
  source.load = () => Promise.resolve([key]);
  const keyring = await Keyring.open([source]);
  const old = Buffer.from(
    'V0xTAeAaAVviI4zxsUQD301k5RV37Lvy//vJLltUOhqOkwqgWJZNphg/DV3loApwD4qpf/2ulHx62YJd6vgcHOsKKcfHELcIWgSNezC1uuPiDwpLI4ckZ9w=',
    'base64',
  );
  assert.equal(readHeader(old)?.version, 1);
  assert.equal(unseal(keyring, old, place).toString(), '{"kind":"Secret"}');
  assert.throws(() => unseal(keyring, old, { ...place, key: 'default/b' }), /belong to another/);
});

test('a key that is not there is named, with where it was looked for and what to do', async () => {
  const sealed = seal(await testRing('a'), Buffer.from('x'), place);
  const other = await testRing('b');
  assert.throws(
    () => unseal(other, sealed, place),
    /sealed with key [0-9a-f]{16}, which is not in memory; put back .* or add that as a second --secrets-key/,
  );
});

test('the first key seals, the others open', async () => {
  const sealed = seal(await testRing('old'), Buffer.from('x'), place);
  const both = await testRing('new', 'old');
  assert.equal(unseal(both, sealed, place).toString(), 'x');
  const again = seal(both, Buffer.from('x'), place);
  assert.equal(readHeader(again)?.keyId, (await testRing('new')).sealingKey.id);
});
