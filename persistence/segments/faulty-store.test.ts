// The store that the fault tests run on behaves as any other when nothing fails.
import { test } from 'node:test';
import { testBlobStore } from './blob-store-conformance.ts';
import { checkedBlobName } from './blob-name.ts';
import type { BlobStore } from './blob-store.ts';
import { FaultyWorld } from './faulty-store-fixture.ts';

/** The fixture trusts its names. */
function checking(store: BlobStore): BlobStore {
  return new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      return (name: unknown, ...rest: unknown[]) => {
        if (key === 'get' || key === 'put' || key === 'putIfAbsent' || key === 'delete') {
          checkedBlobName(String(name));
        }
        return Reflect.apply(value, target, [name, ...rest]) as unknown;
      };
    },
  });
}

testBlobStore(test, 'FaultyWorld', () => {
  const world = new FaultyWorld(1);
  return Promise.resolve({
    open: () => Promise.resolve(checking(world.open())),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
