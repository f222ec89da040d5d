import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';

import { systemClock } from '#platform/clock.ts';

import type { ResourceDefinition } from '../api/resource.ts';
import { defaultTable } from '../api/table.ts';
import type { StoreEvent, StoredObject, WatchEventType } from '../store/types.ts';
import { plainJSON } from './negotiate.ts';
import type { Representation } from './negotiate.ts';
import { BatchCache } from './watch-batches.ts';
import { WatchFlusher } from './watch-flusher.ts';
import { EventEncoder, FrameCache } from './watch-frames.ts';
import { chunkStream } from './watch-stream.ts';
import { Watcher } from './watcher.ts';
import type { WatcherOptions } from './watcher.ts';

const definition: ResourceDefinition = {
  group: '',
  version: 'v1',
  resource: 'configmaps',
  singular: 'configmap',
  kind: 'ConfigMap',
  listKind: 'ConfigMapList',
  namespaced: true,
  shortNames: [],
  categories: [],
  verbs: ['watch'],
  schema: { type: 'object' },
  table: defaultTable,
  subresources: [],
  selectableFields: {},
  custom: false,
  storageKey: 'core/configmaps',
};
const table: Representation = { media: 'json', as: 'Table', metaVersion: 'v1' };

function stored(name: string, revision: number, labels: Record<string, string> = {}): StoredObject {
  const metadata = { name, namespace: 'default', labels, resourceVersion: String(revision) };
  return {
    namespace: 'default',
    name,
    uid: `uid-${name}`,
    revision,
    bytes: Buffer.from(JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata })),
    labels,
    fields: {},
  };
}

function event(type: WatchEventType, object: StoredObject, previous?: StoredObject): StoreEvent {
  return {
    type,
    revision: object.revision,
    object,
    ...(previous === undefined ? {} : { previous }),
    frames: new Map(),
  };
}

interface Seen {
  readonly type: string;
  readonly object: {
    readonly [field: string]: unknown;
    readonly metadata: { readonly resourceVersion: string };
  };
}

/** A watch whose socket keeps what it was given. */
function watch(
  changes: Partial<WatcherOptions> = {},
  highWaterMark = 1 << 30,
): {
  readonly watcher: Watcher;
  readonly writes: Buffer[];
  /** Lets the socket take what it holds back. */
  readonly release: () => void;
  readonly isCut: () => boolean;
  readonly seen: () => Seen[];
} {
  const writes: Buffer[] = [];
  let taken: (() => void) | undefined;
  const socket = new Writable({
    highWaterMark,
    write: (_chunk, _encoding, callback) => {
      taken = callback;
    },
  });
  const write = socket.write.bind(socket) as (chunk: Buffer) => boolean;
  socket.write = (chunk: Buffer) => {
    writes.push(chunk);
    return write(chunk);
  };
  let cut = false;
  const response = {
    end: () => undefined,
    destroy: () => {
      cut = true;
    },
  } as unknown as ServerResponse;
  const stream = chunkStream(response, socket);
  const watcher = new Watcher(
    {
      encoder: new EventEncoder(definition, plainJSON, 'Metadata', new FrameCache(), systemClock),
      batches: new BatchCache(),
      flusher: new WatchFlusher(systemClock, 5),
      namespace: '',
      matches: undefined,
      selectorText: '',
      onSent: () => undefined,
      onTooSlow: () => undefined,
      onFailed: (error) => assert.ifError(error),
      ...changes,
    },
    stream,
  );
  return {
    watcher,
    writes,
    release: () => taken?.(),
    isCut: () => cut,
    seen: () => writes.flatMap((chunk) => lines(chunk).map((line) => JSON.parse(line) as Seen)),
  };
}

/** The lines in one HTTP chunk; fails when its length is not what it says. */
function lines(chunk: Buffer): string[] {
  const headEnd = chunk.indexOf('\r\n');
  const length = Number.parseInt(chunk.subarray(0, headEnd).toString(), 16);
  assert.equal(chunk.length, headEnd + 2 + length + 2);
  return chunk
    .subarray(headEnd + 2, headEnd + 2 + length)
    .toString()
    .trimEnd()
    .split('\n');
}

const green = { color: 'green' };
const isGreen = ({ labels }: StoredObject): boolean => labels['color'] === 'green';

const transitions: readonly (readonly [string, StoreEvent, string | undefined])[] = [
  ['a matching object appears', event('ADDED', stored('a', 5, green)), 'ADDED'],
  ['another appears', event('ADDED', stored('a', 5)), undefined],
  ['it starts to match', event('MODIFIED', stored('a', 5, green), stored('a', 4)), 'ADDED'],
  ['it still matches', event('MODIFIED', stored('a', 5, green), stored('a', 4, green)), 'MODIFIED'],
  ['it stops matching', event('MODIFIED', stored('a', 5), stored('a', 4, green)), 'DELETED'],
  ['it never matched', event('MODIFIED', stored('a', 5), stored('a', 4)), undefined],
  [
    'a matching one goes',
    event('DELETED', stored('a', 5, green), stored('a', 4, green)),
    'DELETED',
  ],
  ['another goes', event('DELETED', stored('a', 5), stored('a', 4)), undefined],
];

for (const [what, change, expected] of transitions) {
  test(`Watcher with a selector sees ${expected ?? 'nothing'} when ${what}`, () => {
    const { watcher, seen } = watch({ matches: isGreen, selectorText: 'color=green' });
    watcher.events([change]);
    watcher.flush();
    assert.deepEqual(
      seen().map(({ type }) => type),
      expected === undefined ? [] : [expected],
    );
    for (const { object } of seen()) assert.equal(object.metadata.resourceVersion, '5');
  });
}

test('Watcher shows the last matching state when an object leaves the selection', () => {
  const { watcher, seen } = watch({ matches: isGreen, selectorText: 'color=green' });
  watcher.events([event('MODIFIED', stored('a', 5), stored('a', 4, green))]);
  watcher.flush();
  assert.deepEqual(seen()[0]?.object['metadata'], {
    name: 'a',
    namespace: 'default',
    labels: green,
    resourceVersion: '5',
  });
});

test('Watcher of one namespace sees no other', () => {
  const { watcher, seen } = watch({ namespace: 'other' });
  watcher.events([event('ADDED', stored('a', 5))]);
  watcher.flush();
  assert.deepEqual(seen(), []);
});

test('Watchers at the same position share one encoding and one buffer', () => {
  const batches = new BatchCache();
  const flusher = new WatchFlusher(systemClock, 5);
  const encoder = new EventEncoder(
    definition,
    plainJSON,
    'Metadata',
    new FrameCache(),
    systemClock,
  );
  const both = [watch({ batches, flusher, encoder }), watch({ batches, flusher, encoder })];
  const batch = [event('ADDED', stored('a', 5)), event('ADDED', stored('b', 6))];
  for (const { watcher } of both) watcher.events(batch);
  for (const { watcher } of both) watcher.flush();
  assert.equal(both[0]?.writes.length, 1);
  assert.equal(both[0]?.writes[0], both[1]?.writes[0]);
  assert.deepEqual(
    both[0]?.seen().map(({ object }) => object.metadata.resourceVersion),
    ['5', '6'],
  );
});

test('Watcher writes batches that wait as one chunk', () => {
  const { watcher, writes, seen } = watch();
  for (const revision of [1, 2, 3]) watcher.events([event('ADDED', stored('a', revision))]);
  watcher.flush();
  assert.equal(writes.length, 1);
  assert.equal(seen().length, 3);
});

test('Watcher sends the present state before events that came meanwhile', async () => {
  const { watcher, seen, release } = watch({}, 1);
  watcher.start([stored('a', 1), stored('b', 2)]);
  watcher.events([event('MODIFIED', stored('a', 3), stored('a', 1))]);
  watcher.flush();
  assert.equal(seen().length, 2, 'the socket has enough');
  release();
  await new Promise(setImmediate);
  assert.deepEqual(
    seen().map(({ type }) => type),
    ['ADDED', 'ADDED', 'MODIFIED'],
  );
});

test('Watcher of Tables sends the columns once', () => {
  const encoder = new EventEncoder(definition, table, 'Metadata', new FrameCache(), systemClock);
  const { watcher, seen } = watch({ encoder });
  watcher.events([event('ADDED', stored('a', 1)), event('ADDED', stored('b', 2))]);
  watcher.events([event('ADDED', stored('c', 3))]);
  watcher.flush();
  assert.deepEqual(
    seen().map(({ object }) => object['columnDefinitions'] !== null),
    [true, false, false],
  );
});

test('Watcher holds a bookmark back while events wait', () => {
  const { watcher, seen } = watch({}, 1);
  watcher.events([event('ADDED', stored('a', 1))]);
  watcher.bookmark(1); // the flush fills the socket
  assert.deepEqual(
    seen().map(({ type }) => type),
    ['ADDED'],
  );
});

test('Watcher cuts a client that does not read', () => {
  let slow = 0;
  const { watcher, isCut } = watch({ onTooSlow: () => (slow += 1) }, 1);
  const big = stored('a', 1, { padding: 'x'.repeat(1024 * 1024) });
  watcher.events([event('ADDED', stored('a', 1))]);
  watcher.flush(); // the socket is full from here on
  for (let revision = 2; revision < 40 && !isCut(); revision += 1) {
    watcher.events([event('MODIFIED', { ...big, revision })]);
  }
  assert.ok(isCut());
  assert.equal(slow, 1);
});
