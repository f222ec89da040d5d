import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgress } from './progress.ts';

function recorder(): { text: string; write: (text: string) => void } {
  const record = { text: '', write: (text: string) => void (record.text += text) };
  return record;
}

test('createProgress() without a terminal prints each change once, in order', () => {
  const record = recorder();
  const progress = createProgress(record.write, undefined);
  progress.update('a', 'a starts');
  progress.update('b', 'b starts');
  progress.update('a', 'a starts');
  progress.say('note');
  progress.update('a', 'a ready');
  assert.equal(record.text, 'a starts\nb starts\nnote\na ready\n');
});

test('createProgress() on a terminal redraws its lines in place and cuts them to the width', () => {
  const record = recorder();
  const progress = createProgress(record.write, () => 25);
  progress.update('a', 'a starts');
  progress.update('b', `b ${'x'.repeat(40)}`);
  assert.equal(record.text, `a starts\n\u001B[1A\u001B[Ja starts\nb ${'x'.repeat(22)}\n`);
  record.text = '';
  progress.update('a', 'a ready');
  assert.equal(record.text, `\u001B[2A\u001B[Ja ready\nb ${'x'.repeat(22)}\n`);
  record.text = '';
  progress.say('note');
  assert.equal(record.text, `\u001B[2A\u001B[Jnote\na ready\nb ${'x'.repeat(22)}\n`);
  record.text = '';
  progress.freeze();
  progress.update('c', 'c');
  assert.equal(record.text, 'c\n');
});
