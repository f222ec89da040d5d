import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ForeignDataError } from './errors.ts';
import { openMachineId, parseMachineId } from './machine-id.ts';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'windlass-machine-id-'));
});
after(() => rm(root, { recursive: true }));

test('openMachineId() creates a private directory with one id and reads it ever after', async () => {
  const directory = join(root, 'a', 'b');
  const id = await openMachineId(directory);
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(await openMachineId(directory), id);
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  assert.equal((await stat(join(directory, 'machine-id'))).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(directory), ['machine-id']);
});

test('openMachineId() gives different directories different ids', async () => {
  const [one, two] = [await openMachineId(join(root, 'c')), await openMachineId(join(root, 'd'))];
  assert.notEqual(one, two);
});

test('openMachineId() refuses a directory with files of others and leaves it as it was', async () => {
  const directory = join(root, 'foreign');
  await mkdir(directory);
  await writeFile(join(directory, 'holiday.jpg'), '');
  await assert.rejects(openMachineId(directory), (error: Error) => {
    assert.ok(error instanceof ForeignDataError);
    assert.match(error.message, /holiday\.jpg/);
    return true;
  });
  assert.deepEqual(await readdir(directory), ['holiday.jpg']);
});

test('openMachineId() finishes a start that was interrupted and accepts a pid file', async () => {
  const directory = join(root, 'interrupted');
  await mkdir(directory);
  await writeFile(join(directory, '.machine-id.new'), 'half');
  await writeFile(join(directory, 'windlass.pid'), '1');
  const id = await openMachineId(directory);
  assert.equal(await openMachineId(directory), id);
  assert.deepEqual((await readdir(directory)).toSorted(), ['machine-id', 'windlass.pid']);
});

test('openMachineId() refuses an id that is none, and never replaces it', async () => {
  const directory = join(root, 'damaged');
  await mkdir(directory);
  for (const text of ['', 'not an id', 'A'.repeat(32), 'a'.repeat(33)]) {
    await writeFile(join(directory, 'machine-id'), text);
    await assert.rejects(openMachineId(directory), /32 hexadecimal/);
  }
});

test('openMachineId() names a path that is no directory', async () => {
  const path = join(root, 'file');
  await writeFile(path, '');
  await assert.rejects(openMachineId(path), (error: Error) => {
    assert.ok(error instanceof ForeignDataError);
    assert.ok(error.message.includes(path));
    return true;
  });
});

test(
  'openMachineId() names a directory that it may not read',
  { skip: process.getuid?.() === 0 && 'root may read everything' },
  async () => {
    const directory = join(root, 'closed');
    await mkdir(directory);
    await chmod(directory, 0);
    await assert.rejects(openMachineId(directory), /EACCES/);
  },
);

test('parseMachineId() accepts white space around an id and nothing else', () => {
  const id = '0123456789abcdef0123456789abcdef';
  assert.equal(parseMachineId(` ${id}\n`), id);
  for (const text of ['', id.toUpperCase(), `${id}0`, `${id} ${id}`]) {
    assert.equal(parseMachineId(text), undefined);
  }
});
