// A provider of the seven verbs that follows a log: in order, from where it was, and never what a start reads from.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dumpOf, machine, put, removal } from '../conformance-site.ts';
import { encodeBatch } from '../encoding.ts';
import type { PersistedObject, PersistenceProvider } from '../provider.ts';
import { ObjectReplica } from './object-replica.ts';

const INSTANCE = 'memory-000000';

class MemoryObjects implements PersistenceProvider {
  readonly objects = new Map<string, PersistedObject>();
  /** Writes that are left until it fails. */
  budget = Infinity;

  initialize(): Promise<void> {
    return Promise.resolve();
  }
  instances(): readonly string[] {
    return [INSTANCE];
  }
  instanceStatus() {
    return { exists: true, status: true, meanPersistLatency: 0 };
  }
  putObject(_instance: string, object: PersistedObject): Promise<string> {
    this.#spend();
    this.objects.set(`${object.kind} ${object.key}`, object);
    return Promise.resolve(object.key);
  }
  deleteObject(_instance: string, kind: string, key: string): Promise<void> {
    this.#spend();
    this.objects.delete(`${kind} ${key}`);
    return Promise.resolve();
  }
  getObject(_instance: string, kind: string, key: string) {
    return Promise.resolve(this.objects.get(`${kind} ${key}`));
  }
  getAllObjects(_instance: string, kind: string) {
    return Promise.resolve([...this.objects.values()].filter((object) => object.kind === kind));
  }
  shown(kind = 'core/things'): readonly string[] {
    return [...this.objects.values()]
      .filter((object) => object.kind === kind)
      .map(({ value }) => Buffer.from(value).toString())
      .toSorted();
  }
  #spend(): void {
    this.budget -= 1;
    if (this.budget < 0) throw new Error('killed');
  }
}

async function claimed() {
  const memory = new MemoryObjects();
  const replica = new ObjectReplica(memory);
  await replica.initialize(machine);
  const { epoch } = await replica.claimEpoch(INSTANCE);
  return { memory, replica, epoch };
}

test('it applies changes in their order, and remembers how far it is', async () => {
  const { memory, replica, epoch } = await claimed();
  const append = (...records: Parameters<typeof encodeBatch>[0]['records']) =>
    replica.append(INSTANCE, encodeBatch({ epoch, records }));
  await append(put(1, 'a'), put(2, 'b'), put(3, 'a'));
  await append(removal(4, 'b'), put(5, 'c'));
  assert.deepEqual(memory.shown(), ['a@3', 'c@5']);
  const again = new ObjectReplica(memory);
  assert.deepEqual(await again.cursor(INSTANCE), { epoch, revision: 5, compacted: 5 });
  assert.deepEqual(await again.verify(INSTANCE, new AbortController().signal), {
    records: 2,
    bytes: 6,
    revision: 5,
  });
  await again.claimEpoch(INSTANCE, 40);
  await assert.rejects(append(put(6, 'a')), { name: 'EpochLostError' });
});

test('killed at any write of a batch, it does the batch again and ends the same', async () => {
  const records = [put(1, 'a'), put(2, 'b'), removal(3, 'a'), put(4, 'c')];
  for (let budget = 0; budget < 7; budget += 1) {
    const { memory, replica, epoch } = await claimed();
    memory.budget = budget;
    await replica.append(INSTANCE, encodeBatch({ epoch, records })).catch(() => undefined);
    memory.budget = Infinity;
    const { revision } = await replica.cursor(INSTANCE);
    assert.ok(revision === 0 || revision === 4);
    if (revision === 0) await replica.append(INSTANCE, encodeBatch({ epoch, records }));
    assert.deepEqual(memory.shown(), ['b@2', 'c@4'], `after ${budget} writes`);
  }
});

test('whoever claims after a batch that was cut short finds revision 0, and a copy of the whole leaves nothing of it', async () => {
  const { memory, replica, epoch } = await claimed();
  await replica.append(INSTANCE, encodeBatch({ epoch, records: [put(1, 'a')] }));
  memory.budget = 2;
  const records = [put(2, 'lost'), put(3, 'a')];
  await assert.rejects(replica.append(INSTANCE, encodeBatch({ epoch, records })), /killed/);
  memory.budget = Infinity;
  assert.deepEqual(memory.shown(), ['a@1', 'lost@2']);
  assert.equal((await replica.cursor(INSTANCE)).revision, 1, 'the same goes on from where it was');
  const next = await replica.claimEpoch(INSTANCE);
  assert.equal(next.revision, 0);
  const dump = dumpOf({ epoch: next.epoch, revision: 1, compacted: 1 }, [put(1, 'a')]);
  await replica.restore(INSTANCE, dump);
  assert.deepEqual(memory.shown(), ['a@1']);
});

test('it is Down until it has been initialized, whatever the provider says', async () => {
  const replica = new ObjectReplica(new MemoryObjects());
  assert.equal(replica.instanceStatus(INSTANCE).status, false);
  await replica.initialize(machine);
  assert.equal(replica.instanceStatus(INSTANCE).status, true);
});

test('restore() leaves what the dump says and nothing else; cut short it begins at 0', async () => {
  const { memory, replica, epoch } = await claimed();
  await replica.append(INSTANCE, encodeBatch({ epoch, records: [put(1, 'old'), put(2, 'gone')] }));
  const dump = () =>
    dumpOf({ epoch, revision: 9, compacted: 7 }, [put(3, 'new'), put(7, 'old'), removal(9, 'new')]);
  memory.budget = 3;
  await assert.rejects(replica.restore(INSTANCE, dump()), /killed/);
  memory.budget = Infinity;
  assert.equal((await replica.cursor(INSTANCE)).revision, 0);
  await replica.restore(INSTANCE, dump());
  assert.deepEqual(memory.shown(), ['old@7']);
  assert.equal((await replica.cursor(INSTANCE)).revision, 9);
});

test('setAside() keeps everything under other kinds and leaves nothing', async () => {
  const { memory, replica, epoch } = await claimed();
  await replica.append(INSTANCE, encodeBatch({ epoch, records: [put(1, 'a')] }));
  assert.equal(await replica.setAside(INSTANCE, epoch), `kinds below windlass/aside-${epoch}-1`);
  assert.deepEqual(memory.shown(), []);
  assert.deepEqual(memory.shown(`windlass/aside-${epoch}-1/core/things`), ['a@1']);
  assert.deepEqual(await replica.cursor(INSTANCE), { epoch, revision: 0, compacted: 0 });
  await assert.rejects(replica.setAside(INSTANCE, epoch - 1), { name: 'EpochLostError' });
});

test('nobody can start from it', async () => {
  const { replica } = await claimed();
  await assert.rejects(
    async () => {
      for await (const _ of replica.replay(INSTANCE)) assert.fail('there is no log');
    },
    { name: 'StorageFailedError', message: /keeps objects only/ },
  );
});

test('a cursor that is not what was written is told of in words', async () => {
  const { memory, replica } = await claimed();
  for (const text of ['{"epoch":', '[]', '{"epoch":1,"revision":"2","compacted":2,"kinds":[]}']) {
    const value = Buffer.from(text);
    await memory.putObject(INSTANCE, { kind: 'windlass/cursor', key: 'state', value });
    for (const work of [
      () => replica.cursor(INSTANCE),
      () => replica.setAside(INSTANCE, undefined),
    ])
      await assert.rejects(work, {
        name: 'CorruptDataError',
        message: /windlass\/cursor state is not what was written there.*empty the place/,
      });
  }
});
