import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachHost, resultsOf } from './each-host.ts';

const { signal } = new AbortController();
const limits = { operations: 2 };

/** Lets everything run that can. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** Work that ends when the test says so. */
function gated<T extends string>(): {
  readonly started: T[];
  readonly end: (item: T) => Promise<void>;
  readonly work: (item: T) => Promise<T>;
} {
  const started: T[] = [];
  const open = new Map<T, () => void>();
  return {
    started,
    work: (item) => {
      started.push(item);
      return new Promise((resolve) => open.set(item, () => resolve(item)));
    },
    async end(item) {
      open.get(item)?.();
      await settle();
    },
  };
}

test('every host is visited once, controllers and workers [k0sctl-035]', async () => {
  const hosts = [
    { name: 'a', role: 'controller' },
    { name: 'b', role: 'worker' },
  ];
  const seen: string[] = [];
  const outcomes = await eachHost(hosts, async ({ role }) => void seen.push(role), {
    signal,
    limits,
    onError: 'stop',
  });
  assert.deepEqual(seen, ['controller', 'worker']);
  assert.deepEqual(
    outcomes.map(({ item, state }) => [item.name, state]),
    [
      ['a', 'done'],
      ['b', 'done'],
    ],
  );
});

test('a cancel in the first call stops the loop [k0sctl-036]', async () => {
  const stopping = new AbortController();
  let calls = 0;
  const work = async (): Promise<void> => {
    calls++;
    stopping.abort(new Error('the run was cancelled'));
  };
  const options = {
    signal: stopping.signal,
    limits: { operations: 1 },
    onError: 'continue' as const,
  };
  await assert.rejects(eachHost(['a', 'b', 'c'], work, options), /cancel/);
  assert.equal(calls, 1);
});

test('the first error is returned, and nothing more is begun [k0sctl-037]', async () => {
  const seen: string[] = [];
  const broken = new Error('no such program');
  const work = async (item: string): Promise<string> => {
    seen.push(item);
    if (item === 'b') throw broken;
    return item;
  };
  const stopped = await eachHost(['a', 'b', 'c', 'd'], work, {
    signal,
    limits: { operations: 1 },
    onError: 'stop',
  });
  assert.throws(
    () => resultsOf(stopped),
    (error) => error === broken,
  );
  assert.deepEqual(seen, ['a', 'b']);
  assert.deepEqual(
    stopped.map(({ state }) => state),
    ['done', 'failed', 'skipped', 'skipped'],
  );
  const all = await eachHost(['a', 'b', 'c'], work, { signal, limits, onError: 'continue' });
  assert.deepEqual(
    all.map(({ state }) => state),
    ['done', 'failed', 'done'],
  );
});

test('the window slides: a slow host holds up nobody, and the limit holds', async () => {
  const { started, work, end } = gated<'a' | 'b' | 'c' | 'd'>();
  const running = eachHost(['a', 'b', 'c', 'd'], work, { signal, limits, onError: 'stop' });
  await settle();
  assert.deepEqual(started, ['a', 'b']);
  await end('b');
  assert.deepEqual(started, ['a', 'b', 'c']);
  await end('c');
  assert.deepEqual(started, ['a', 'b', 'c', 'd']);
  await end('d');
  await end('a');
  assert.deepEqual(resultsOf(await running), ['a', 'b', 'c', 'd']);
});

test('uploads have a limit of their own, and those that wait for it block nobody', async () => {
  const { started, work, end } = gated<'up1' | 'up2' | 'up3' | 'other'>();
  const running = eachHost(['up1', 'up2', 'up3', 'other'], work, {
    signal,
    limits: { operations: 3, uploads: 1 },
    isUpload: (item) => item.startsWith('up'),
    onError: 'stop',
  });
  await settle();
  assert.deepEqual(started.toSorted(), ['other', 'up1']);
  await end('up1');
  assert.deepEqual(started.slice(2), ['up2']);
  await end('up2');
  assert.deepEqual(started.slice(3), ['up3']);
  await end('up3');
  await end('other');
  assert.equal((await running).length, 4);
});

test('a limit of 0 is none', async () => {
  const { started, work, end } = gated<string>();
  const names = Array.from({ length: 50 }, (_, index) => `${index}`);
  const running = eachHost(names, work, { signal, limits: { operations: 0 }, onError: 'stop' });
  await settle();
  assert.equal(started.length, 50);
  for (const name of names) await end(name);
  await running;
});
