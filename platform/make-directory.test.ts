import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeDirectory } from './make-directory.ts';

const folder = mkdtempSync(join(tmpdir(), 'windlass-make-directory-'));
after(() => rmSync(folder, { recursive: true }));

test('makes all that is missing with the mode, and leaves what exists as it is', () => {
  const deep = join(folder, 'a', 'b', 'c');
  makeDirectory(deep, 0o700);
  assert.equal(statSync(deep).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, 'a')).mode & 0o777, 0o700);
  mkdirSync(join(folder, 'open'), { mode: 0o755 });
  makeDirectory(join(folder, 'open'), 0o700);
  assert.equal(statSync(join(folder, 'open')).mode & 0o777, 0o755);
  makeDirectory('/', 0o700);
});

test('a link to a folder is a folder', () => {
  mkdirSync(join(folder, 'target'));
  symlinkSync(join(folder, 'target'), join(folder, 'link'));
  makeDirectory(join(folder, 'link'));
  makeDirectory(join(folder, 'link', 'below'));
  assert.ok(statSync(join(folder, 'target', 'below')).isDirectory());
});

test('a file in the place, above it, or a link to nowhere is refused', () => {
  writeFileSync(join(folder, 'file'), '');
  symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'));
  assert.throws(() => makeDirectory(join(folder, 'file')), { code: 'EEXIST' });
  assert.throws(() => makeDirectory(join(folder, 'file', 'below')), { code: 'ENOTDIR' });
  assert.throws(() => makeDirectory(join(folder, 'dangling')), { code: 'EEXIST' });
});

test(
  'a file system that makes no folders is an error, not a wait without end',
  {
    skip: process.platform !== 'linux' && 'no /proc here',
  },
  () => {
    assert.throws(() => makeDirectory('/proc/windlass'), { code: 'ENOENT' });
    assert.throws(() => makeDirectory('/proc/windlass/below'), { code: 'ENOENT' });
  },
);
