import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#platform/logging.ts';
import type { ApiObject, ApiResource } from './client-types.ts';
import { EventRecorder } from './events.ts';
import { FakeClock, thing, THINGS } from './machinery-fixture.ts';
import { RequestError } from './request-error.ts';

type Written = Readonly<Record<string, unknown>>;

/** Writes down what is sent; `fail` makes the next request fail. */
class EventClient {
  readonly written: Written[] = [];
  fail: Error | undefined;
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined;

  create<T extends ApiObject>(_: ApiResource, namespace: string, object: object): Promise<T> {
    return this.#write({ verb: 'create', namespace, ...object });
  }

  patch<T extends ApiObject>(...args: readonly unknown[]): Promise<T> {
    return this.#write({ verb: 'patch', name: args[2], ...(args[5] as object) });
  }

  /** Resolves when so many requests came. */
  async requests(count: number): Promise<void> {
    if (this.written.length >= count) return;
    await new Promise<void>((resolve) => (this.#waiting = { count, resolve }));
  }

  #write<T>(entry: Written): Promise<T> {
    this.written.push(entry);
    if (this.written.length === this.#waiting?.count) this.#waiting.resolve();
    const { fail } = this;
    this.fail = undefined;
    return fail === undefined ? Promise.resolve({} as T) : Promise.reject(fail);
  }
}

function start(t: { after(fn: () => void): void }): {
  readonly client: EventClient;
  readonly recorder: EventRecorder;
  readonly clock: FakeClock;
} {
  const client = new EventClient();
  const clock = new FakeClock();
  let made = 0;
  const hex = (): string => String((made += 1));
  const recorder = new EventRecorder({
    client,
    clock,
    ids: { hex, uuid: hex, suffix: hex },
    logger: silentLogger,
    component: 'tester',
  });
  const stop = new AbortController();
  void recorder.run(stop.signal);
  t.after(() => stop.abort());
  return { client, recorder, clock };
}

test('EventRecorder writes an event about an object, in its namespace', async (t) => {
  const { client, recorder } = start(t);
  recorder.record(THINGS, thing('a', '7'), 'Warning', 'Broken', 'it broke');
  await client.requests(1);
  assert.deepEqual(client.written, [
    {
      verb: 'create',
      namespace: 'ns',
      metadata: { name: 'a.1', namespace: 'ns' },
      involvedObject: {
        apiVersion: 'test.dev/v1',
        kind: 'Thing',
        name: 'a',
        namespace: 'ns',
        uid: 'uid-a',
        resourceVersion: '7',
      },
      type: 'Warning',
      reason: 'Broken',
      message: 'it broke',
      count: 1,
      firstTimestamp: '1970-01-01T00:00:00Z',
      lastTimestamp: '1970-01-01T00:00:00Z',
      source: { component: 'tester' },
      reportingComponent: 'tester',
      reportingInstance: '',
    },
  ]);
});

test('EventRecorder counts repeats, and starts again when the server forgot the event', async (t) => {
  const { client, recorder, clock } = start(t);
  const record = (): void => recorder.record(THINGS, thing('a', '7'), 'Normal', 'Same', 'again');
  record();
  await client.requests(1);
  clock.advance(5_000);
  record();
  await client.requests(2);
  assert.deepEqual(client.written[1], {
    verb: 'patch',
    name: 'a.1',
    count: 2,
    lastTimestamp: '1970-01-01T00:00:05Z',
  });
  client.fail = new RequestError(404, 'NotFound', 'gone');
  record();
  await client.requests(4);
  assert.equal(client.written[3]?.['verb'], 'create');
  assert.equal(client.written[3]?.['count'], 1);
});

test('EventRecorder goes on after an event that cannot be written, and cuts long messages', async (t) => {
  const { client, recorder } = start(t);
  client.fail = new RequestError(500, 'InternalError', 'no');
  recorder.record(THINGS, thing('a', '1'), 'Normal', 'Lost', 'x');
  recorder.record(THINGS, thing('b', '1'), 'Normal', 'Long', 'x'.repeat(5_000));
  await client.requests(2);
  assert.equal(String(client.written[1]?.['message']).length, 1_024);
});

test('EventRecorder tells many that differ in their message only as one, with its count', async (t) => {
  const { client, recorder, clock } = start(t);
  const record = (index: number): void =>
    recorder.record(THINGS, thing('a', '7'), 'Normal', 'Made', `made ${index}`);
  for (let index = 1; index <= 300; index += 1) record(index);
  recorder.record(THINGS, thing('a', '7'), 'Normal', 'Other', 'another reason');
  recorder.record(THINGS, thing('b', '7'), 'Normal', 'Made', 'another object');
  await client.requests(13);
  const messages = client.written.map(({ message, count }) => [message, count]);
  assert.deepEqual(messages.slice(0, 10).at(-1), ['made 10', 1]);
  assert.deepEqual(messages.slice(10), [
    ['(combined from similar events): made 11', 1],
    ['another reason', 1],
    ['another object', 1],
  ]);
  // What was told one by one is still counted by itself.
  record(3);
  await client.requests(14);
  assert.deepEqual(client.written[13], {
    verb: 'patch',
    name: 'a.3',
    count: 2,
    lastTimestamp: '1970-01-01T00:00:00Z',
  });
  clock.advance(10_000);
  await client.requests(15);
  assert.deepEqual(client.written[14], {
    verb: 'patch',
    name: 'a.11',
    count: 290,
    lastTimestamp: '1970-01-01T00:00:00Z',
    message: '(combined from similar events): made 300',
  });
  // Nothing came since: nothing is written, and the next one does not wait.
  clock.advance(10_000);
  record(301);
  await client.requests(16);
  assert.equal(client.written[15]?.['count'], 291);
  // Long afterwards they are worth reading again.
  clock.advance(11 * 60_000);
  record(302);
  await client.requests(17);
  assert.equal(client.written[16]?.['verb'], 'create');
  assert.equal(client.written[16]?.['message'], 'made 302');
  clock.advance(10_000);
  assert.equal(clock.pending, 0);
});

test('EventRecorder keeps a thousand events while the server is away, not more', async () => {
  const client = new EventClient();
  const recorder = new EventRecorder({
    client,
    clock: new FakeClock(),
    ids: { hex: () => '1', uuid: () => '1', suffix: () => '1' },
    logger: silentLogger,
    component: 'tester',
  });
  for (let count = 0; count < 1_500; count += 1) {
    recorder.record(THINGS, thing(`a${count}`, '1'), 'Normal', 'Many', 'x');
  }
  const stop = new AbortController();
  const running = recorder.run(stop.signal);
  await client.requests(1_000);
  stop.abort();
  await running;
  assert.equal(client.written.length, 1_000);
});
