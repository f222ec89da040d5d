import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { testBlobStore } from './blob-store-conformance.ts';
import { DirectoryBlobStore } from './directory-store.ts';

testBlobStore(test, 'DirectoryBlobStore', async () => {
  const path = await mkdtemp(join(tmpdir(), 'windlass-directory-'));
  let count = 0;
  return {
    open: () => {
      count += 1;
      return Promise.resolve(new DirectoryBlobStore({ path, writer: `w${count}` }));
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
});
