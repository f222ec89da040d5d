import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubernetesObject } from '../api/object.ts';
import type { StoreEvent, WatchSink } from './types.ts';
import { VirtualResource } from './virtual-resource.ts';

class Sink implements WatchSink {
  readonly heard: string[] = [];
  events(events: readonly StoreEvent[]): void {
    for (const { type, object } of events)
      this.heard.push(`${type} ${object.name}@${object.revision}`);
  }
  closed(): void {
    this.heard.push('closed');
  }
}

function fixture() {
  const world = { revision: 10, objects: new Map([['a', 1]]) };
  const resource = new VirtualResource({
    storageKey: 'windlass.dev/things',
    revision: () => world.revision,
    read: () =>
      [...world.objects].map(([name, value]): KubernetesObject => ({
        kind: 'Thing',
        apiVersion: 'windlass.dev/v1',
        metadata: { name },
        value,
      })),
  });
  return { world, resource };
}

test('objects are computed when asked for, at the revision of their last change', () => {
  const { world, resource } = fixture();
  assert.equal(resource.get('a')?.revision, 10);
  world.revision = 20;
  assert.equal(resource.get('a')?.revision, 10, 'it has not changed');
  world.objects.set('a', 2);
  const stored = resource.get('a');
  assert.equal(stored?.revision, 20);
  assert.match(
    stored?.bytes.toString() ?? '',
    /^\{"kind":"Thing","apiVersion":"windlass.dev\/v1",.*"resourceVersion":"20".*"value":2/,
  );
  assert.equal(resource.list({}).revision, 20);
  assert.equal(resource.get('b'), undefined);
});

test('a watch hears of changes, also while the revision stands still', () => {
  const { world, resource } = fixture();
  const { revision } = resource.list({});
  world.revision = 11;
  const sink = new Sink();
  resource.watch(revision + 1, sink);
  for (const value of [5, 6]) {
    world.objects.set('a', value);
    resource.refresh();
  }
  world.objects.set('b', 1);
  world.objects.delete('a');
  resource.refresh();
  assert.deepEqual(sink.heard, ['MODIFIED a@11', 'MODIFIED a@11', 'ADDED b@11', 'DELETED a@11']);
});

test('a watch that goes on is sent what may have changed since', () => {
  const { world, resource } = fixture();
  resource.list({});
  world.revision = 12;
  world.objects.set('b', 1);
  resource.list({});
  const sink = new Sink();
  resource.watch(11, sink);
  assert.deepEqual(sink.heard, ['MODIFIED b@12']);
});

test('a watch from before objects vanished, or from another process, has to list again', () => {
  const { world, resource } = fixture();
  assert.throws(() => resource.watch(9, new Sink()), { code: 410 });
  world.revision = 30;
  resource.list({});
  world.objects.delete('a');
  resource.refresh();
  assert.throws(() => resource.watch(29, new Sink()), { code: 410 });
  resource.watch(30, new Sink());
});

test('a list of exactly an older revision is refused, pages go on with the present', () => {
  const { world, resource } = fixture();
  world.objects.set('b', 1);
  const first = resource.list({ limit: 1 });
  assert.deepEqual(first.next, { namespace: '', name: 'a' });
  world.revision = 11;
  const second = resource.list({
    limit: 1,
    exactRevision: first.revision,
    startAfter: { namespace: '', name: 'a' },
  });
  assert.deepEqual(
    second.items.map(({ name }) => name),
    ['b'],
  );
  assert.throws(() => resource.list({ exactRevision: 10 }), { code: 410 });
});

test('a sink that throws is closed and disturbs nobody; close() tells the others', () => {
  const { world, resource } = fixture();
  const broken = new Sink();
  broken.events = () => {
    throw new Error('broken');
  };
  const sink = new Sink();
  resource.list({});
  world.revision = 11;
  resource.watch(11, broken);
  resource.watch(11, sink);
  world.objects.set('a', 2);
  resource.refresh();
  assert.deepEqual(broken.heard, ['closed']);
  resource.close();
  assert.deepEqual(sink.heard, ['MODIFIED a@11', 'closed']);
  assert.equal(resource.isWatched, false);
});
