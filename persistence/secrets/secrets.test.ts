import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { seal, unseal } from './envelope.ts';
import { openKeyring, SecretsKeyError } from './keyring.ts';
import { secretTransformer } from './secret-transformer.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'windlass-secrets-'));
});
after(() => rm(directory, { recursive: true }));

async function ring(name: string) {
  return (await openKeyring(join(directory, name))).keyring;
}

test('openKeyring() creates a private file once and leaves nothing else behind', async () => {
  const path = join(directory, 'made', 'state.key');
  const first = await openKeyring(path);
  const again = await openKeyring(path);
  assert.equal(first.created, true);
  assert.equal(again.created, false);
  assert.equal(first.keyring.sealingKey.id, again.keyring.sealingKey.id);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(join(directory, 'made')), ['state.key']);
});

test('openKeyring() gives both of two starts at once the same key', async () => {
  const path = join(directory, 'raced');
  const rings = await Promise.all(Array.from({ length: 8 }, () => openKeyring(path)));
  assert.equal(new Set(rings.map(({ keyring }) => keyring.sealingKey.id)).size, 1);
  assert.equal(rings.filter(({ created }) => created).length, 1);
});

test('openKeyring() refuses a file that others may read', async () => {
  const path = join(directory, 'open');
  await openKeyring(path);
  for (const mode of [0o640, 0o604, 0o660]) {
    await chmod(path, mode);
    await assert.rejects(openKeyring(path), { name: 'SecretsKeyError', message: /chmod 600/ });
  }
});

test('openKeyring() names the file and line of what it cannot read, and never its content', async () => {
  const path = join(directory, 'bad');
  for (const text of ['', '# only a comment\n', 'aes256gcm c2hvcnQ=\n', 'hunter2\n']) {
    await writeFile(path, text, { mode: 0o600 });
    await assert.rejects(openKeyring(path), (error: Error) => {
      assert.ok(error instanceof SecretsKeyError);
      assert.ok(error.message.includes(path));
      assert.ok(!error.message.includes('hunter2'));
      return true;
    });
  }
});

test('a keyring shows no key when it is printed', async () => {
  const path = join(directory, 'printed');
  const { keyring } = await openKeyring(path);
  const encoded = /^aes256gcm (\S+)/m.exec(await readFile(path, 'utf8'))?.[1] ?? '';
  const hex = Buffer.from(encoded, 'base64').toString('hex');
  const shown = inspect(keyring, { depth: 9, showHidden: true }) + JSON.stringify(keyring);
  assert.ok(encoded.length > 40);
  assert.ok(!shown.includes(encoded) && !shown.includes(hex));
});

test('unseal() opens what seal() made, and nothing in it can be read without the key', async () => {
  const keyring = await ring('a');
  for (const size of [0, 1, 16, 2_048, 1 << 20]) {
    const plaintext = Buffer.alloc(size, 'swordfish ');
    const sealed = seal(keyring, plaintext, 'core/secrets/default/a');
    assert.ok(!sealed.includes('swordfish'));
    assert.deepEqual(unseal(keyring, sealed, 'core/secrets/default/a'), plaintext);
  }
});

test('seal() never makes the same bytes twice', async () => {
  const keyring = await ring('a');
  // Long enough that two ciphertexts are not the same by chance.
  const plain = Buffer.alloc(32, 'x');
  const one = seal(keyring, plain, 'a');
  assert.notDeepEqual(one.subarray(72), seal(keyring, plain, 'a').subarray(72));
});

test('unseal() refuses an envelope with any one bit flipped, cut short, or moved to another object', async () => {
  const keyring = await ring('a');
  const sealed = seal(keyring, Buffer.from('swordfish'), 'core/secrets/default/a');
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const flipped = Buffer.from(sealed);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    assert.throws(() => unseal(keyring, flipped, 'core/secrets/default/a'), SecretsKeyError);
  }
  for (let length = 0; length < sealed.length; length += 1) {
    const cut = sealed.subarray(0, length);
    assert.throws(() => unseal(keyring, cut, 'core/secrets/default/a'), SecretsKeyError);
  }
  assert.throws(() => unseal(keyring, sealed, 'core/secrets/default/b'), /belong to another/);
});

test('unseal() names the key file when the key is another one', async () => {
  const sealed = seal(await ring('a'), Buffer.from('x'), 'core/secrets/default/a');
  const other = await ring('b');
  assert.throws(
    () => unseal(other, sealed, 'core/secrets/default/a'),
    (error: Error) => error.message.includes(join(directory, 'b')),
  );
});

test('a second key in the file opens what it sealed before, while the first seals', async () => {
  const old = await ring('old');
  const sealed = seal(old, Buffer.from('x'), 'a');
  const lines = await Promise.all(
    ['b', 'old'].map((name) => readFile(join(directory, name), 'utf8')),
  );
  await writeFile(join(directory, 'both'), lines.join(''), { mode: 0o600 });
  const both = await ring('both');
  assert.equal(unseal(both, sealed, 'a').toString(), 'x');
  assert.equal(both.sealingKey.id, (await ring('b')).sealingKey.id);
});

test('secretTransformer() seals Secrets, leaves the rest, and refuses a Secret in the clear', async () => {
  const transformer = secretTransformer(await ring('a'));
  const bytes = Buffer.from('{"kind":"Secret"}');
  const sealed = transformer.toStorage('core/secrets', 'default/a', bytes);
  assert.ok(!Buffer.from(sealed).includes('Secret'));
  assert.deepEqual(transformer.fromStorage('core/secrets', 'default/a', sealed), bytes);
  assert.equal(transformer.toStorage('core/pods', 'default/a', bytes), bytes);
  assert.equal(transformer.fromStorage('core/pods', 'default/a', bytes), bytes);
  assert.throws(
    () => transformer.fromStorage('core/secrets', 'default/a', bytes),
    /without encryption/,
  );
});
