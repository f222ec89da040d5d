import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { KeyCredential } from './key-credential.ts';
import { testKey } from './keys-fixture.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'windlass-credentials-'));
});
after(() => rm(directory, { recursive: true }));

test('a credential of systemd holds keys in the form of the key file, whatever its mode', async () => {
  const lines = ['# mine', ...['a', 'b'].map((name) => `aes256gcm ${textOf(name)}`)];
  await writeFile(join(directory, 'keys'), lines.join('\n'), { mode: 0o440 });
  const keys = await new KeyCredential('keys', directory).load();
  assert.deepEqual(
    keys.map(({ id }) => id),
    [testKey('a').id, testKey('b').id],
  );
});

test('without the credential, or outside of a unit, it says what to add where', async () => {
  const error = (message: RegExp) => ({ name: 'SecretsKeyError', message });
  const outside = new KeyCredential('keys', undefined).load();
  await assert.rejects(outside, error(/\$CREDENTIALS_DIRECTORY is not set.*LoadCredential=keys/));
  const absent = new KeyCredential('other', directory).load();
  await assert.rejects(absent, error(/no such credential; add LoadCredential=other/));
  await writeFile(join(directory, 'empty'), '');
  const empty = new KeyCredential('empty', directory).load();
  await assert.rejects(empty, error(/credential:empty: it holds no key/));
});

test('it is never written, and says how to change it', async () => {
  const credential = new KeyCredential('keys', directory);
  await assert.rejects(
    credential.create(),
    /new first line .* restart, then run windlass secrets rotate/,
  );
  await assert.rejects(credential.remove(), /take its line out yourself/);
});

function textOf(name: string): string {
  return testKey(name).use((bytes) => bytes.toString('base64'));
}
