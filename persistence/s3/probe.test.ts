// What the probe of a store makes of answers that get lost, and of a store that lies.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ForeignDataError } from '../errors.ts';
import type { BlobStore } from '../segments/blob-store.ts';
import { FaultyWorld } from '../segments/faulty-store-fixture.ts';
import { probeStore } from './probe.ts';

/** Over a store in memory that does nothing wrong. */
function probed(putIfAbsent: (store: BlobStore) => BlobStore['putIfAbsent']): Promise<void> {
  const inner = new FaultyWorld(1).open();
  const store: Omit<BlobStore, 'probe'> = {
    location: inner.location,
    putIfAbsent: putIfAbsent(inner),
    put: (...args) => inner.put(...args),
    get: (name) => inner.get(name),
    list: (...args) => inner.list(...args),
    delete: (name) => inner.delete(name),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
  return probeStore({ store, machine: 'm', id: '1', useQuotedTags: () => undefined });
}

test('probeStore() trusts a store whose answers to creates are lost, so that a second attempt finds the object', async () => {
  const lost = new Set<string>();
  await probed((store) => async (name, body) => {
    const outcome = await store.putIfAbsent(name, body);
    if (lost.has(name)) return outcome;
    lost.add(name);
    return 'exists';
  });
  assert.ok(lost.size >= 2);
});

test('probeStore() distrusts a store that says of what never was that it exists', async () => {
  await assert.rejects(
    probed(() => () => Promise.resolve('exists')),
    (error: Error) => error instanceof ForeignDataError && /never was/.test(error.message),
  );
});

test('probeStore() distrusts a store that replaces what it says exists', async () => {
  await assert.rejects(
    probed((store) => async (name, body) => {
      await store.put(name, body);
      return 'exists';
    }),
    (error: Error) => error instanceof ForeignDataError && /read does not show/.test(error.message),
  );
});
