// A disk that hangs under SQLite: its thread sits in a call that nothing can interrupt, and must keep nobody from ending.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { stuckThreads } from '#platform/stuck-threads.ts';
import { eventually } from '#test/support/eventually.ts';
import { FaultDisk, missingFaultDisk } from '#test/support/fault-disk.ts';
import { needs } from '#test/support/missing-part.ts';
import { claim, never, put, shown } from '../conformance-site.ts';
import { SqlitePersistenceProvider } from './provider.ts';

const fuse = needs(missingFaultDisk());

test(
  'closing waits so long for a disk that hangs and no longer, and nothing is lost',
  fuse,
  async () => {
    await using disk = await FaultDisk.open();
    const path = join(disk.path, 'state.db');
    const site = {
      open: () =>
        new SqlitePersistenceProvider({ paths: [path], clock: systemClock, closeMs: 1_000 }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    const one = await claim(site);
    await one.append(put(1, 'a'));
    const release = disk.hang();
    const unknown = {
      name: 'StorageFailedError',
      message: /not answered for 1 s: whether .* kept/,
    };
    const writing = assert.rejects(one.append(put(2, 'b')), unknown);
    const reading = assert.rejects(one.provider.cursor(one.instance), {
      name: 'StorageUnreachableError',
      message: /Cannot use .*state\.db has not answered for 1 s/,
    });
    await one.provider[Symbol.asyncDispose]();
    await Promise.all([writing, reading]);
    assert.deepEqual(stuckThreads(), [path]);

    release();
    await eventually('the thread has ended', () => assert.deepEqual(stuckThreads(), []));
    await using again = await claim(site);
    const lines = await shown(again.provider.replay(again.instance, never));
    assert.ok(['a@1', 'a@1 b@2'].includes(lines.join(' ')), lines.join(' '));
  },
);
