// kill -9 in the middle of writes, again and again on the same file: what was acknowledged is there, in order and whole.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { parseMachineId } from '../machine-id.ts';
import type { MachineId } from '../machine-id.ts';
import { SqlitePersistenceProvider } from './provider.ts';

const machine = parseMachineId('f'.repeat(32)) as MachineId;
const ROUNDS = 6;
const PER_BATCH = 7;

/** Appends batches of PER_BATCH without end, several at once, and prints the last revision of each durable one. */
function writerSource(path: string): string {
  const file = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  return `
    import { writeSync } from 'node:fs';
    const { SqlitePersistenceProvider } = await import(${file('provider.ts')});
    const { encodeBatch } = await import(${file('../encoding.ts')});
    const { systemClock } = await import(${file('../../platform/clock.ts')});
    const provider = new SqlitePersistenceProvider({ paths: [${JSON.stringify(path)}], clock: systemClock });
    await provider.initialize('');
    const [instance] = provider.instances();
    let { epoch, revision } = await provider.claimEpoch(instance);
    const lane = async () => {
      for (;;) {
        const records = Array.from({ length: ${PER_BATCH} }, () => {
          revision += 1;
          const value = Buffer.alloc(100 + (revision % 37) * 100, String(revision) + ' ');
          return { revision, kind: 'k', key: 'k' + (revision % 50), value };
        });
        const last = revision;
        await provider.append(instance, encodeBatch({ epoch, records }));
        writeSync(1, last + '\\n');
        if (last % 3 === 0) await provider.compact(instance, last - 400);
      }
    };
    await Promise.all([lane(), lane(), lane(), lane()]);`;
}

/** Runs the writer until it has acknowledged `batches` batches, kills it, and gives the last acknowledged revision. */
async function crash(path: string, batches: number): Promise<number> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', writerSource(path)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let acknowledged = 0;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Math.max(acknowledged, Number(line));
    seen += 1;
    if (seen === batches) child.kill('SIGKILL');
  }
  assert.ok(seen >= batches, 'the writer must not end by itself');
  return acknowledged;
}

test('kill -9 in the middle of writes loses nothing acknowledged and leaves no part of a batch', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'windlass-crash-'));
  const path = join(directory, 'state.db');
  try {
    let before = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const acknowledged = await crash(path, 20 + round * 31);
      assert.ok(acknowledged > before);
      const provider = new SqlitePersistenceProvider({ paths: [path], clock: systemClock });
      await using _ = provider;
      await provider.initialize(machine);
      const [instance = ''] = provider.instances();
      const { revision, compacted } = await provider.cursor(instance);
      assert.ok(revision >= acknowledged, `acknowledged ${acknowledged}, found ${revision}`);
      assert.equal(revision % PER_BATCH, 0, 'half a batch');
      // Each revision writes key revision % 50, so the newest 50 are the live ones.
      const newest = new Map<string, number>();
      const changes: number[] = [];
      for await (const records of provider.replay(instance, new AbortController().signal)) {
        for (const record of records) {
          assert.ok(
            Buffer.from(record.value ?? [])
              .toString()
              .startsWith(`${record.revision} `),
          );
          newest.set(record.key, record.revision);
          if (record.revision > compacted) changes.push(record.revision);
        }
      }
      const live = Array.from({ length: 50 }, (_unused, index) => revision - 49 + index);
      assert.deepEqual(
        [...newest.values()].toSorted((a, b) => a - b),
        live,
      );
      const all = Array.from({ length: revision - compacted }, (_unused, i) => compacted + 1 + i);
      assert.deepEqual(changes, all);
      before = revision;
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});
