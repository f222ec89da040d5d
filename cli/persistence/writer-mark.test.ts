import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { ownerOf, writerMark } from './writer-mark.ts';

test('a mark tells whether its process lives, or that this machine cannot know', async () => {
  const own = writerMark('00ff');
  assert.match(own, /^[0-9a-f]{12}-\d+-\d+-00ff$/);
  assert.equal(ownerOf(own), 'Alive');
  const code = `
    const { writerMark } = await import(${JSON.stringify(new URL('writer-mark.ts', import.meta.url).href)});
    process.stdout.write(writerMark('01'));
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [first] = (await once(child.stdout, 'data')) as [Buffer];
  const mark = first.toString();
  assert.equal(ownerOf(mark), 'Alive');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(ownerOf(mark), 'Gone');
  // The same id, of a process that started at another time.
  assert.equal(ownerOf(own.replace(/-\d+-00ff$/, '-1-00ff')), 'Gone');
  assert.equal(ownerOf(own.replace(/^[0-9a-f]{12}/, 'f'.repeat(12))), 'Unknown');
  assert.equal(ownerOf('0a1b2c3d'), 'Unmarked');
});
