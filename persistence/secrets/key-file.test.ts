import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { systemClock } from '#platform/clock.ts';
import { KeyFile } from './key-file.ts';
import { Keyring } from './keyring.ts';
import { SecretsKeyError } from './secrets-key.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'windlass-keys-'));
});
after(() => rm(directory, { recursive: true }));

function keyFile(name: string): KeyFile {
  return new KeyFile(join(directory, name), systemClock);
}

async function ids(file: KeyFile): Promise<readonly string[]> {
  return (await file.load()).map(({ id }) => id);
}

test('a missing key file is no error until it is known whether a key may be made', async () => {
  assert.deepEqual(await keyFile('none').load(), []);
});

test('create() makes a private file, puts each new key first, and leaves nothing else behind', async () => {
  const file = keyFile('made/state.key');
  const first = await file.create();
  const second = await file.create();
  assert.deepEqual(await ids(file), [second.id, first.id]);
  const path = join(directory, 'made');
  assert.equal((await stat(join(path, 'state.key'))).mode & 0o777, 0o600);
  assert.equal((await stat(path)).mode & 0o777, 0o700);
  assert.deepEqual(await readdir(path), ['state.key']);
  const text = await readFile(join(path, 'state.key'), 'utf8');
  assert.match(text, /^# Windlass secrets keys.*\n#.*\naes256gcm \S+\naes256gcm \S+\n$/);
});

test('of many changes at once none loses a key', async () => {
  const file = keyFile('raced');
  const made = await Promise.all(Array.from({ length: 8 }, () => file.create()));
  assert.deepEqual((await ids(file)).toSorted(), made.map(({ id }) => id).toSorted());
});

test('remove() takes out the keys it is told, keeps comments, and never takes the last', async () => {
  const file = keyFile('removed');
  const [one, two] = [await file.create(), await file.create()];
  const path = join(directory, 'removed');
  await writeFile(path, `${await readFile(path, 'utf8')}# mine\n`, { mode: 0o600 });
  await file.remove(new Set([one.id]));
  assert.deepEqual(await ids(file), [two.id]);
  assert.match(await readFile(path, 'utf8'), /\n# mine\n$/);
  await assert.rejects(file.remove(new Set([two.id])), /no key would be left/);
  assert.deepEqual(await ids(file), [two.id]);
});

test('the lock of a process that died is taken away', async () => {
  const file = keyFile('crashed');
  await file.create();
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  await writeFile(join(directory, 'crashed.lock'), `${dead}\n`);
  await file.create();
  assert.equal((await file.load()).length, 2);
});

test('a file that others may read is refused', async () => {
  const file = keyFile('open');
  await file.create();
  for (const mode of [0o640, 0o604, 0o660]) {
    await chmod(join(directory, 'open'), mode);
    const error = { name: 'SecretsKeyError', message: /its mode is 06.*chmod 600/ };
    await assert.rejects(file.load(), error);
    await assert.rejects(file.create(), error);
  }
});

test('what cannot be read is named with file and line, and never with its content', async () => {
  const path = join(directory, 'bad');
  for (const text of ['', '# only a comment\n', 'aes256gcm c2hvcnQ=\n', 'hunter2\n']) {
    await writeFile(path, text, { mode: 0o600 });
    await assert.rejects(keyFile('bad').load(), (error: Error) => {
      assert.ok(error instanceof SecretsKeyError);
      assert.ok(error.message.includes(path));
      assert.ok(!error.message.includes('hunter2') && !error.message.includes('c2hvcnQ'));
      return true;
    });
  }
  await mkdir(join(directory, 'folder'), { mode: 0o700 });
  await assert.rejects(keyFile('folder').load(), /EISDIR; it must be a file/);
  await assert.rejects(keyFile('bad/below').load(), /ENOTDIR/);
});

test('a keyring shows no key when it is printed', async () => {
  const file = keyFile('printed');
  await file.create();
  const keyring = await Keyring.open([file]);
  const encoded =
    /^aes256gcm (\S+)/m.exec(await readFile(join(directory, 'printed'), 'utf8'))?.[1] ?? '';
  const hex = Buffer.from(encoded, 'base64').toString('hex');
  const shown =
    inspect(keyring, { depth: 9, showHidden: true }) +
    JSON.stringify(keyring) +
    JSON.stringify(keyring.describe());
  assert.ok(encoded.length > 40);
  assert.ok(!shown.includes(encoded) && !shown.includes(hex));
});
