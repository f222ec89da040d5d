import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { silentLogger } from '#platform/logging.ts';
import type { ApiObject, Client } from './client-types.ts';
import { Informer } from './informer.ts';
import { FakeClock, ScriptedClient, thing, THINGS } from './machinery-fixture.ts';
import type { ListStep, WatchStep } from './machinery-fixture.ts';
import { RequestError } from './request-error.ts';

function list(resourceVersion: string, ...items: readonly ApiObject[]): ListStep {
  return { metadata: { resourceVersion }, items };
}

interface Run {
  readonly changes: string[];
  readonly client: ScriptedClient;
  readonly clock: FakeClock;
  readonly informer: Informer<ApiObject>;
  readonly end: () => Promise<void>;
}

/** Runs an informer until its scripts are used up: real time does not pass, and the clock moves only as far as it waits. */
async function run(lists: readonly ListStep[], watches: readonly WatchStep[]): Promise<Run> {
  const client = new ScriptedClient(lists, watches);
  const clock = new FakeClock();
  const informer = new Informer<ApiObject>({
    // Only these two methods are ever called by an informer.
    client: client as unknown as Client,
    resource: THINGS,
    clock,
    logger: silentLogger,
    random: () => 1,
  });
  const changes: string[] = [];
  informer.onChange(({ type, object }) =>
    changes.push(`${type} ${object.metadata.name}@${object.metadata.resourceVersion}`),
  );
  const lifetime = new AbortController();
  const running = informer.run(lifetime.signal);
  for (let round = 0; round < 30; round += 1) {
    await setImmediate();
    clock.advance(1_000);
  }
  return {
    changes,
    client,
    clock,
    informer,
    async end() {
      lifetime.abort(new Error('end of test'));
      await running;
      assert.equal(clock.pending, 0);
    },
  };
}

test('Informer lists, then follows changes', async () => {
  const { changes, client, informer, end } = await run(
    [list('5', thing('a', '3'))],
    [
      [
        { type: 'ADDED', object: thing('b', '6') },
        { type: 'MODIFIED', object: thing('a', '7') },
        { type: 'DELETED', object: thing('b', '8') },
      ],
    ],
  );
  assert.deepEqual(changes, ['Added a@3', 'Added b@6', 'Updated a@7', 'Deleted b@8']);
  assert.deepEqual(client.asked, ['list', 'watch 5', 'watch 8']);
  assert.deepEqual(
    informer.cache.list().map(({ metadata }) => metadata.name),
    ['a'],
  );
  await end();
});

test('Informer resumes after the newest bookmark, also when the watch broke off', async () => {
  const { client, end } = await run(
    [list('5')],
    [[{ type: 'BOOKMARK', resourceVersion: '9' }, new Error('socket closed')]],
  );
  assert.deepEqual(client.asked, ['list', 'watch 5', 'watch 9']);
  await end();
});

test('Informer lists again when history is lost, and reports what it missed', async () => {
  const expired = new RequestError(410, 'Expired', 'too old resource version: 5 (100)');
  const { changes, client, end } = await run(
    [list('5', thing('a', '3'), thing('b', '4')), list('100', thing('b', '50'), thing('c', '60'))],
    [[expired]],
  );
  assert.deepEqual(changes, [
    'Added a@3',
    'Added b@4',
    'Deleted a@3',
    'Updated b@50',
    'Added c@60',
  ]);
  assert.deepEqual(client.asked, ['list', 'watch 5', 'list', 'watch 100']);
  await end();
});

test('Informer keeps trying when the server is away, and tells when it has synced', async () => {
  const away = new Error('connect ECONNREFUSED');
  const { client, informer, end } = await run([away, away, away, list('5')], []);
  assert.equal(informer.hasSynced, true);
  assert.deepEqual(client.asked, ['list', 'list', 'list', 'list', 'watch 5']);
  await end();
});

test('Informer does not spin on watches that end at once', async () => {
  const { client, clock, end } = await run([list('5')], [[], [], []]);
  assert.equal(client.asked.filter((line) => line.startsWith('watch')).length, 4);
  assert.ok(clock.now() >= 700, 'waited between them');
  await end();
});

test('Informer takes an object of the same name with another uid for a new one', async () => {
  const expired = new RequestError(410, 'Expired', 'too old');
  const { changes, end } = await run(
    [list('5', thing('a', '3')), list('9', thing('a', '8', { uid: 'other' }))],
    [[expired]],
  );
  assert.deepEqual(changes, ['Added a@3', 'Deleted a@3', 'Added a@8']);
  await end();
});
