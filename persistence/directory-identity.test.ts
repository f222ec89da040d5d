import assert from 'node:assert/strict';
import { cpSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '#test/support/temp-dir.ts';
import { directoryIdentity } from './directory-identity.ts';

test('a directory is the same whatever is written into it and by which way it is reached, a copy is another', async () => {
  const folder = tempDir();
  const [own, copy, link] = ['own', 'copy', 'link'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(own);
  const identity = await directoryIdentity(own);
  assert.match(identity ?? '', /^[0-9a-f]{16}$/);
  writeFileSync(join(own, 'state'), 'x');
  symlinkSync(own, link);
  assert.deepEqual(
    [await directoryIdentity(own), await directoryIdentity(link)],
    [identity, identity],
  );
  cpSync(own, copy, { recursive: true });
  assert.notEqual(await directoryIdentity(copy), identity);
  renameSync(own, join(folder, 'away'));
  renameSync(copy, own);
  assert.notEqual(await directoryIdentity(own), identity, 'a copy in its place');
  assert.equal(await directoryIdentity(join(folder, 'absent')), undefined);
});
