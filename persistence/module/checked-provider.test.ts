// Providers of somebody else that hang, throw in every way, give nonsense and lose what they had: who follows the log with one is told
// what it did, loses nothing for it, and goes on when it behaves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dumpOf, machine, put, removal } from '../conformance-site.ts';
import { encodeBatch } from '../encoding.ts';
import { FakeClock, settled } from '../manager/fake-clock-fixture.ts';
import type { PersistedObject, PersistenceProvider } from '../provider.ts';
import { CheckedProvider } from './checked-provider.ts';
import { ObjectReplica } from './object-replica.ts';

const INSTANCE = 'odd-000000';
const thing = (key: string, value = key) => ({ kind: 'k', key, value: Buffer.from(value) });

type Verb = 'initialize' | 'putObject' | 'deleteObject' | 'getObject' | 'getAllObjects';

/** Keeps objects in memory; each verb can be made to do something else first. */
class OddProvider {
  readonly objects = new Map<string, PersistedObject>();
  readonly odd: Partial<Record<Verb, () => unknown>> = {};
  status: unknown = { exists: true, status: true };

  instances(): readonly string[] {
    return [INSTANCE];
  }
  instanceStatus(): unknown {
    return this.status;
  }
  initialize(): unknown {
    return this.odd.initialize?.();
  }
  putObject(_instance: string, object: PersistedObject): unknown {
    const put = (): string => {
      this.objects.set(`${object.kind} ${object.key}`, object);
      return object.key;
    };
    const first = this.odd.putObject?.();
    return first instanceof Promise ? first.then(put) : put();
  }
  deleteObject(_instance: string, kind: string, key: string): unknown {
    this.odd.deleteObject?.();
    return this.objects.delete(`${kind} ${key}`);
  }
  getObject(_instance: string, kind: string, key: string): unknown {
    return this.odd.getObject === undefined
      ? (this.objects.get(`${kind} ${key}`) ?? null)
      : this.odd.getObject();
  }
  getAllObjects(_instance: string, kind: string): unknown {
    return this.odd.getAllObjects === undefined
      ? [...this.objects.values()].filter((object) => object.kind === kind)
      : this.odd.getAllObjects();
  }
  /** What it says it is. */
  asProvider(): PersistenceProvider {
    return this as unknown as PersistenceProvider;
  }
}

function checked() {
  const [odd, clock] = [new OddProvider(), new FakeClock()];
  return { odd, clock, provider: new CheckedProvider(odd.asProvider(), clock) };
}

test('one that answers at once, with null for what is missing, will do', async () => {
  const { provider } = checked();
  await provider.initialize(machine);
  assert.equal(await provider.getObject(INSTANCE, 'k', 'a'), undefined);
  assert.equal(await provider.putObject(INSTANCE, thing('a')), 'a');
  assert.deepEqual(await provider.getAllObjects(INSTANCE, 'k'), [thing('a')]);
  await provider.deleteObject(INSTANCE, 'k', 'a');
  assert.deepEqual(await provider.getAllObjects(INSTANCE, 'k'), []);
  await provider[Symbol.asyncDispose]();
});

for (const [what, thrown, message] of [
  ['an error', new TypeError('socket hang up'), /^socket hang up$/],
  ['an error without words', new RangeError(''), /putObject\(\) failed: RangeError/],
  ['a string', 'no', /putObject\(\) failed: no/],
  ['nothing', undefined, /putObject\(\) failed: undefined/],
] as const) {
  test(`what it throws at once or later, ${what}, is an error with a message`, async () => {
    const { odd, provider } = checked();
    odd.odd.putObject = () => {
      throw thrown;
    };
    await assert.rejects(provider.putObject(INSTANCE, thing('a')), { message });
    odd.odd.putObject = () => Promise.reject(thrown);
    await assert.rejects(provider.putObject(INSTANCE, thing('a')), { message });
  });
}

test('nonsense is told apart from objects', async () => {
  const { odd, provider } = checked();
  for (const answer of [7, 'x', [], {}, { ...thing('a'), value: 'text' }, thing('b')]) {
    odd.odd.getObject = () => answer;
    await assert.rejects(provider.getObject(INSTANCE, 'k', 'a'), {
      name: 'StorageFailedError',
      message: /getObject\(\) did not give the object that was asked for, or undefined/,
    });
  }
  const others = [{ ...thing('a'), kind: 'other' }];
  for (const answer of [undefined, {}, [undefined], [{}], others, [thing('a'), thing('a')]]) {
    odd.odd.getAllObjects = () => answer;
    await assert.rejects(provider.getAllObjects(INSTANCE, 'k'), {
      name: 'StorageFailedError',
      message: /getAllObjects\(\) did not give/,
    });
  }
});

test('one that hangs is asked nothing more, so that nothing old comes after what is new', async () => {
  const { odd, clock, provider } = checked();
  const { promise, resolve } = Promise.withResolvers<void>();
  odd.odd.putObject = () => promise;
  const first = provider.putObject(INSTANCE, thing('a', 'old'));
  first.catch(() => undefined);
  await clock.advance(61_000);
  const hanging = {
    name: 'StorageUnreachableError',
    message: /not answered putObject\(\) for 60 s/,
  };
  await assert.rejects(first, hanging);
  delete odd.odd.putObject;
  await assert.rejects(provider.putObject(INSTANCE, thing('a', 'new')), hanging);
  await assert.rejects(provider.getObject(INSTANCE, 'k', 'a'), hanging);
  await assert.rejects(provider.initialize(machine), hanging);
  assert.equal(await provider.putObject('odd-000001', thing('b')), 'b', 'another instance');
  resolve();
  await settled();
  await provider.putObject(INSTANCE, thing('a', 'new'));
  assert.deepEqual(await provider.getObject(INSTANCE, 'k', 'a'), thing('a', 'new'));
  odd.odd.initialize = () => new Promise(() => undefined);
  const opening = [provider.initialize(machine), provider.initialize(machine)];
  await Promise.all([
    ...opening.map((one) => assert.rejects(one, /not answered initialize\(\)/)),
    clock.advance(61_000),
  ]);
  await assert.rejects(provider.putObject(INSTANCE, thing('c')), /not answered initialize\(\)/);
});

/** A replica that has `a@1`. */
async function following() {
  const { odd, clock, provider } = checked();
  const replica = new ObjectReplica(provider);
  await replica.initialize(machine);
  const { epoch } = await replica.claimEpoch(INSTANCE);
  const append = (...records: Parameters<typeof encodeBatch>[0]['records']) =>
    replica.append(INSTANCE, encodeBatch({ epoch, records }));
  await append(put(1, 'a'));
  const held = (): readonly string[] =>
    [...odd.objects.values()]
      .filter(({ kind }) => kind === 'core/things')
      .map(({ value }) => Buffer.from(value).toString())
      .toSorted();
  return { odd, clock, replica, epoch, append, held };
}

test('one that says that it is down or does not exist is left in peace', async () => {
  const { odd, replica, append, held } = await following();
  for (const [status, message] of [
    [{ exists: true }, /its provider says that it is down/],
    [{ exists: false, status: true }, /its provider says that it does not exist/],
    [undefined, /its provider says that it is down/],
  ] as const) {
    odd.status = status;
    assert.equal(replica.instanceStatus(INSTANCE).status, false);
    for (const work of [() => append(put(2, 'b')), () => replica.cursor(INSTANCE)])
      await assert.rejects(work, { name: 'StorageUnreachableError', message });
  }
  assert.deepEqual(held(), ['a@1']);
  odd.status = { exists: true, status: true };
  await append(put(2, 'b'));
  assert.deepEqual(held(), ['a@1', 'b@2']);
});

test('a write that hung and was done at last is done again in its order', async () => {
  const { odd, clock, replica, append, held } = await following();
  const { promise, resolve } = Promise.withResolvers<void>();
  let puts = 0;
  odd.odd.putObject = () => {
    puts += 1;
    // The first says how far it is, the second is the object.
    return puts === 2 ? promise : undefined;
  };
  const late = append(put(2, 'a'), put(3, 'b'));
  late.catch(() => undefined);
  await clock.advance(61_000);
  await assert.rejects(late, /not answered/);
  await assert.rejects(append(put(2, 'a'), put(3, 'b')), /not answered/);
  resolve();
  await settled();
  assert.equal((await replica.cursor(INSTANCE)).revision, 1);
  await append(put(2, 'a'), put(3, 'b'), removal(4, 'b'), put(5, 'a'));
  assert.deepEqual(held(), ['a@5']);
});

test('one that has lost how far it was is filled anew, and keeps nothing that is no more', async () => {
  const { odd, replica, append, held } = await following();
  await append(put(2, 'b'), put(3, 'c'));
  odd.objects.delete('windlass/cursor state');
  odd.objects.delete('core/things b');
  await assert.rejects(append(put(4, 'd')), { name: 'EpochLostError' });
  const claimed = await replica.claimEpoch(INSTANCE, 9);
  assert.deepEqual(claimed, { epoch: 9, revision: 0, compacted: 0 });
  const dump = dumpOf({ epoch: 9, revision: 5, compacted: 5 }, [put(1, 'a'), put(2, 'b')]);
  await replica.restore(INSTANCE, dump);
  assert.deepEqual(held(), ['a@1', 'b@2']);
});
