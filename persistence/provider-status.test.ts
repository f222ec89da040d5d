// Providers that say what nobody can understand, or nothing at all, when they are asked how an instance is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistenceProviderStatus } from './provider.ts';
import { statusOf } from './provider-status.ts';

const said = (answer: unknown) =>
  statusOf({ instanceStatus: () => answer as PersistenceProviderStatus }, 'x-000000');

test('statusOf() takes what a provider says, without what it left out', () => {
  assert.deepEqual(said({ exists: true, status: true, meanPersistLatency: 0.25 }), {
    exists: true,
    status: true,
    meanPersistLatency: 0.25,
  });
  assert.deepEqual(said({ exists: true, status: true }), {
    exists: true,
    status: true,
    meanPersistLatency: 0,
  });
  assert.deepEqual(said({ exists: false, status: true, meanPersistLatency: 0 }), {
    exists: false,
    status: false,
    meanPersistLatency: 0,
  });
});

test('statusOf() has an instance down whose provider makes no sense', () => {
  const down = { exists: true, status: false, meanPersistLatency: 0 };
  for (const nonsense of [undefined, null, 7, 'up', [], Promise.resolve({ exists: true })])
    assert.deepEqual(said(nonsense), down);
  for (const meanPersistLatency of [Number.NaN, -1, Infinity, 'fast', {}])
    assert.deepEqual(said({ exists: true, status: 'yes', meanPersistLatency }), down);
  const throws = () => {
    throw new Error('no');
  };
  assert.deepEqual(statusOf({ instanceStatus: throws }, 'x-000000'), down);
});
