import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ApiFailure } from './api-failure.ts';
import type { ApiObject, ObjectList } from './api-object.ts';
import { WatchedList } from './watched-list.ts';
import type { WatchHandlers } from './watched-list.ts';

type Answer = ObjectList<ApiObject> | ApiFailure;

function object(name: string, resourceVersion = '1'): ApiObject {
  return { metadata: { name, namespace: 'a', resourceVersion } };
}

function page(names: readonly string[], next = ''): Answer {
  return {
    metadata: { resourceVersion: '10', continue: next },
    items: names.map((name) => object(name)),
  };
}

/** A server of two answers and a clock whose hands are turned by hand. */
function world(answers: readonly Answer[]) {
  const left = [...answers];
  const asked: (string | undefined)[] = [];
  const watches: { readonly from: string; readonly to: WatchHandlers; isOpen: boolean }[] = [];
  const later: (() => void)[] = [];
  const list = new WatchedList<ApiObject>(
    {
      clock: {
        now: () => 0,
        later: (_delay, callback) => {
          later.push(callback);
          return () => undefined;
        },
      },
      list: (token) => {
        asked.push(token);
        const answer = left.shift();
        assert.ok(answer !== undefined, 'one list too many');
        return answer instanceof ApiFailure ? Promise.reject(answer) : Promise.resolve(answer);
      },
      watch: (from, to) => {
        const watch = { from, to, isOpen: true };
        watches.push(watch);
        return () => (watch.isOpen = false);
      },
    },
    () => undefined,
  );
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  };
  const names = (): readonly string[] => list.listed.items.map(({ metadata }) => metadata.name);
  const last = () => watches.at(-1) ?? assert.fail('no watch');
  const send = (type: string, about: object): void =>
    last().to.onMessage(JSON.stringify({ type, object: about }));
  return { list, asked, watches, later, settle, names, last, send };
}

test('WatchedList shows what changes on its page, and passes over the rest', async () => {
  const { list, settle, names, last, send } = world([page(['b', 'd'], 'more')]);
  await settle();
  assert.equal(list.listed.state, 'Live');
  assert.equal(last().from, '10');
  send('ADDED', object('c', '11'));
  send('ADDED', object('e', '12'));
  send('DELETED', object('b', '13'));
  send('BOOKMARK', { metadata: { resourceVersion: '14' } });
  assert.deepEqual(names(), ['c', 'd']);
  assert.equal(list.listed.hasNext, true);
  list.close();
  assert.equal(last().isOpen, false);
});

test('WatchedList turns pages, and lets go of the watch of the one before', async () => {
  const { list, asked, watches, settle, names, send } = world([
    page(['b'], 'second'),
    page(['d', 'e']),
    page(['b'], 'second'),
  ]);
  await settle();
  list.next();
  await settle();
  assert.deepEqual(names(), ['d', 'e']);
  assert.equal(watches[0]?.isOpen, false);
  send('ADDED', object('a', '11'));
  send('ADDED', object('z', '12'));
  assert.deepEqual(names(), ['d', 'e', 'z'], 'the last page has no end');
  list.previous();
  await settle();
  assert.deepEqual(asked, [undefined, 'second', undefined]);
  assert.deepEqual(names(), ['b']);
});

test('WatchedList goes on from where it was when a watch ends, and lists again when that is too old', async () => {
  const { later, settle, names, watches, last, send } = world([page(['a']), page(['b'])]);
  await settle();
  last().to.onOpen();
  send('MODIFIED', object('a', '17'));
  last().to.onClose();
  later.shift()?.();
  assert.equal(last().from, '17');
  send('ERROR', { kind: 'Status', code: 410 });
  await settle();
  assert.deepEqual(names(), ['b']);
  assert.equal(watches.length, 3);
});

test('WatchedList says why nothing is shown, and tries again only what may get better', async () => {
  const refused = world([new ApiFailure(403, 'Forbidden', 'no')]);
  await refused.settle();
  assert.equal(refused.list.listed.state, 'Refused');
  assert.equal(refused.list.listed.failure?.message, 'no');
  assert.equal(refused.later.length, 0);

  const down = world([new ApiFailure(503, '', 'disk full'), page(['a'])]);
  await down.settle();
  assert.equal(down.list.listed.state, 'Behind');
  down.later.shift()?.();
  await down.settle();
  assert.equal(down.list.listed.state, 'Live');
  assert.deepEqual(down.names(), ['a']);
});

test('WatchedList begins from the start when its page is older than the server remembers', async () => {
  const { list, asked, settle } = world([
    page(['a'], 'second'),
    new ApiFailure(410, 'Expired', 'too old'),
    page(['a'], 'other'),
  ]);
  await settle();
  list.next();
  await settle();
  assert.deepEqual(asked, [undefined, 'second', undefined]);
  assert.equal(list.listed.hasPrevious, false);
});

test('WatchedList lists again when a watch is never opened', async () => {
  const { list, later, settle, last } = world([
    page(['a']),
    new ApiFailure(403, 'Forbidden', 'no'),
  ]);
  await settle();
  last().to.onClose();
  assert.equal(list.listed.state, 'Behind');
  later.shift()?.();
  await settle();
  assert.equal(list.listed.state, 'Refused');
});
