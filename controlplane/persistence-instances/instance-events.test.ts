import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { TestClock } from '#controlplane/store/store-fixture.ts';
import { systemIds } from '#platform/id.ts';
import { InstanceEvents } from './instance-events.ts';
import { DOWN, FakeLog, PRIMARY, REPLICA } from './instances-fixture.ts';

const UP = { state: 'Up', up: true } as const;

function fixture() {
  const log = new FakeLog(PRIMARY, REPLICA);
  const clock = new TestClock();
  const written: KubernetesObject[] = [];
  const storage = { isFailing: false };
  const events = new InstanceEvents({
    log,
    clock,
    ids: systemIds,
    write: (event) => {
      if (storage.isFailing) return Promise.reject(new Error('503'));
      written.push(event);
      return Promise.resolve();
    },
  });
  const told = (): string[] =>
    written.map((event) => `${String(event['type'])} ${String(event['reason'])}`);
  return { log, clock, written, storage, events, told };
}

test('a replica that goes down and comes back is told of with the reason', async () => {
  const { log, clock, written, told } = fixture();
  log.change(REPLICA.name, DOWN);
  await turn();
  await clock.advance(10_000);
  log.change(REPLICA.name, UP);
  await turn();
  assert.deepEqual(told(), ['Warning InstanceDown', 'Normal InstanceUp']);
  assert.match(
    String(written[0]?.['message']),
    /Replica at nfs:\/mnt\/share is Down, was Up: connection refused/,
  );
});

test('nothing is written while the primary is down; afterwards the newest state is, and what it was', async () => {
  const { log, clock, told, written } = fixture();
  log.change(PRIMARY.name, DOWN);
  log.change(REPLICA.name, DOWN);
  await clock.advance(60_000);
  assert.deepEqual(told(), []);
  log.change(PRIMARY.name, UP);
  await turn();
  await clock.advance(5_000);
  assert.deepEqual(told().toSorted(), ['Normal InstanceUp', 'Warning InstanceDown']);
  const up = written.find(({ reason }) => reason === 'InstanceUp');
  assert.match(String(up?.['message']), /^Primary at .* is Up, was Down: connection refused$/);
});

test('an outage of a replica for which writes are refused is told of when it is over', async () => {
  const { log, clock, storage, told, written } = fixture();
  storage.isFailing = true;
  log.change(REPLICA.name, DOWN);
  await clock.advance(20_000);
  log.change(REPLICA.name, { state: 'CatchingUp', up: true });
  await turn();
  log.change(REPLICA.name, UP);
  await turn();
  storage.isFailing = false;
  await clock.advance(5_000);
  assert.deepEqual(told(), ['Normal InstanceUp']);
  assert.match(String(written[0]?.['message']), /^Replica .* is Up, was Down: connection refused$/);
  log.change(REPLICA.name, { state: 'CatchingUp' });
  log.change(REPLICA.name, UP);
  await clock.advance(20_000);
  assert.equal(told().length, 1, 'where nothing was wrong there is nothing to tell');
});

test('a write that fails is tried again, and no more often than every few seconds', async () => {
  const { log, clock, storage, told } = fixture();
  storage.isFailing = true;
  log.change(REPLICA.name, DOWN);
  await turn();
  storage.isFailing = false;
  await clock.advance(4_999);
  assert.deepEqual(told(), []);
  await clock.advance(1);
  assert.deepEqual(told(), ['Warning InstanceDown']);
});

test('a flapping instance does not make a flood', async () => {
  const { log, clock, told } = fixture();
  for (let n = 0; n < 1_000; n += 1) {
    log.change(REPLICA.name, n % 2 === 0 ? DOWN : UP);
    await turn();
  }
  assert.ok(told().length <= 2, String(told().length));
  await clock.advance(5_000);
  await clock.advance(5_000);
  assert.ok(told().length <= 3, String(told().length));
});

test('after close() nothing is written', async () => {
  const { log, clock, events, told } = fixture();
  events.close();
  log.change(REPLICA.name, DOWN);
  await clock.advance(10_000);
  assert.deepEqual(told(), []);
});
