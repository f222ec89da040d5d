import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastWords } from './last-words.ts';

const service = { namespace: 'default', name: 'web' };

test('lastWords() names the instance, the reason, the end of the log and the next step', () => {
  const log = 'one\ntwo\n\nthree\nfour\nfive\nsix\n';
  assert.deepEqual(lastWords({ service, pod: 'web-a', state: 'exit code 3', log }).split('\n'), [
    'web waits for web-a: exit code 3',
    '  its log ends:',
    ...['two', 'three', 'four', 'five', 'six'].map((line) => `    ${line}`),
    '  next: kubectl describe pod web-a; then mend the manifest and save it',
  ]);
});

test('lastWords() says so when nothing was logged, and names a namespace that is not the default one', () => {
  const elsewhere = { namespace: 'shop', name: 'web' };
  const text = lastWords({ service: elsewhere, pod: 'web-a', state: undefined, log: '\n' });
  assert.match(text, /^web waits for web-a: it is not ready yet\n {2}it has logged nothing\n/);
  assert.match(text, /kubectl describe pod web-a -n shop;/);
});
