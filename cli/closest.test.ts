import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closest } from './closest.ts';

const flags = ['--port', '--bind', '--data-dir', '--manifests'];

test('closest() finds the word with one slip of the finger', () => {
  for (const word of ['--prot', '--pot', '--ports', '--poet', '-port'])
    assert.equal(closest(word, flags), '--port', word);
  assert.equal(closest('--manifest', flags), '--manifests');
  assert.equal(closest('--datadir', flags), '--data-dir');
});

test('closest() guesses nothing where nothing is near', () => {
  assert.equal(closest('--kubeconfig', flags), undefined);
  assert.equal(closest('', flags), undefined);
});
