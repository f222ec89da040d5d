// kill -9 of a process that writes through the store: what it was told is kept, and what it was refused is not there.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { parseMachineId } from '#persistence/machine-id.ts';
import type { MachineId } from '#persistence/machine-id.ts';
import { openPersistence } from '#persistence/open.ts';
import { systemClock } from '#platform/clock.ts';
import type { KubernetesObject } from '../api/object.ts';
import { openStore } from './store.ts';

const RESOURCE = 'core/configmaps';

/** Eight writers, each creating, updating and deleting its own objects and printing every answer. */
function writerSource(path: string): string {
  const file = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  return `
    import { writeSync } from 'node:fs';
    const { openPersistence } = await import(${file('../../persistence/open.ts')});
    const { systemClock: clock } = await import(${file('../../platform/clock.ts')});
    const { openStore } = await import(${file('store.ts')});
    const log = await openPersistence({ urls: ['sqlite:' + ${JSON.stringify(path)}], machineId: '', clock });
    const store = await openStore({ log, clock });
    const say = (line) => writeSync(1, JSON.stringify(line) + '\\n');
    const write = async (op, name, expectedRevision, mark) => {
      const options = { resource: ${JSON.stringify(RESOURCE)}, namespace: 'n', name, expectedRevision };
      const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace: 'n' }, mark };
      try {
        const { revision } = await store[op](options, object);
        say({ name, revision, op, mark });
        return revision;
      } catch {
        say({ name, op, mark, refused: true });
        return 0;
      }
    };
    const writer = async (id) => {
      for (let n = 0; ; n += 1) {
        const name = 'w' + id + '-' + store.revision + '-' + n;
        const created = await write('put', name, 0, 'created');
        const [updated] = await Promise.all([
          write('put', name, created, 'updated'),
          write('put', name, created, 'refused'),
        ]);
        if (n % 3 === 0) await write('delete', name, updated, 'deleted');
      }
    };
    await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(writer));`;
}

interface Answer {
  readonly name: string;
  readonly op: 'put' | 'delete';
  readonly mark: string;
  readonly revision?: number;
  readonly refused?: boolean;
}

async function crash(path: string, answers: Answer[], count: number): Promise<void> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', writerSource(path)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    answers.push(JSON.parse(line) as Answer);
    seen += 1;
    if (seen === count) child.kill('SIGKILL');
  }
  assert.ok(seen >= count, 'the writer must not end by itself');
}

test('kill -9 loses no acknowledged write, keeps no refused one, and the revision goes on', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'windlass-store-crash-'));
  const path = join(directory, 'state.db');
  const answers: Answer[] = [];
  try {
    for (let round = 0; round < 3; round += 1) {
      await crash(path, answers, 150 + round * 77);
      await using log = await openPersistence({
        urls: [`sqlite:${path}`],
        machineId: parseMachineId('0'.repeat(32)) as MachineId,
        clock: systemClock,
      });
      await using store = await openStore({ log, clock: systemClock });
      const last = new Map<string, Answer>();
      for (const answer of answers) if (answer.refused !== true) last.set(answer.name, answer);
      for (const [name, { op, revision = 0 }] of last) {
        assert.ok(store.revision >= revision);
        const found = store.get(RESOURCE, 'n', name);
        // A later write of the same object may have become durable just before its answer was cut off.
        if (op === 'put' && found !== undefined) assert.ok(found.revision >= revision);
        else if (op === 'delete') assert.equal(found, undefined, name);
        else assert.ok(isDeletedLater(store.revision, revision, name), `${name} is lost`);
      }
      for (const { bytes } of store.list(RESOURCE, {}).items) {
        const object = JSON.parse(bytes.toString()) as KubernetesObject;
        assert.notEqual(object['mark'], 'refused');
      }
      assert.ok(answers.some(({ refused }) => refused === true));
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

/** Only every third object of a writer is ever deleted; an unanswered deletion has a revision of its own. */
function isDeletedLater(newest: number, revision: number, name: string): boolean {
  return Number(name.split('-').at(-1)) % 3 === 0 && newest > revision;
}
