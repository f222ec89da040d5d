import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confirm } from './confirm.ts';
import { CommandError } from './usage-error.ts';

const signal = new AbortController().signal;
const go = { question: 'Go?', action: 'Deletion', isAgreed: false };
const terminal = (answer: string): Parameters<typeof confirm>[1] => ({
  ask: (question) => {
    assert.equal(question, 'Go? [y/N] ');
    return Promise.resolve(answer);
  },
  stopSignal: () => signal,
});

test('confirm() takes yes in any of its forms, and nothing else; it says what was cancelled', async () => {
  for (const yes of ['y', 'Y', 'yes', ' Yes! ']) await confirm(go, terminal(yes));
  for (const no of ['', 'n', 'no', 'yesterday', 'ok'])
    await assert.rejects(confirm(go, terminal(no)), {
      message: 'Deletion cancelled. No changes were made.',
      exitCode: 1,
    });
});

test('confirm() asks nobody who has agreed, and refuses where nobody can be asked', async () => {
  const nobody = { ask: undefined, stopSignal: () => signal };
  await confirm({ ...go, isAgreed: true }, nobody);
  await assert.rejects(
    confirm(go, nobody),
    (error) =>
      error instanceof CommandError &&
      error.message.endsWith(
        'nobody is there to ask, this is no terminal. No changes were made.',
      ) &&
      /--yes/.test(error.next ?? ''),
  );
});

test('confirm() counts an interruption as no', async () => {
  const gone = { ask: () => Promise.reject(new Error('interrupted')), stopSignal: () => signal };
  await assert.rejects(confirm(go, gone), /Deletion cancelled/);
});
