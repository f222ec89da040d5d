// Random sequences of writes against a model, over real SQLite files and over a disk that fails at random.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { StorageFullError } from '#persistence/errors.ts';
import { parseMachineId } from '#persistence/machine-id.ts';
import type { MachineId } from '#persistence/machine-id.ts';
import { openPersistence } from '#persistence/open.ts';
import { systemClock } from '#platform/clock.ts';
import type { KubernetesObject } from '../api/object.ts';
import { ScriptedLog } from './scripted-log.ts';
import { openStore } from './store.ts';
import type { ListResult, Store, StoreEvent, StoredObject } from './types.ts';

const RESOURCES = ['core/pods', 'apps/deployments'] as const;
const NAMESPACES = ['', 'a', 'a-b'] as const;
const NAMES = ['x', 'x-1', 'y'] as const;

/** What one writer does; `stale` says how far the revision it believes in is off. */
interface Step {
  readonly resource: (typeof RESOURCES)[number];
  readonly namespace: string;
  readonly name: string;
  readonly op: 'put' | 'delete';
  readonly believes: 'newest' | 'absent' | 'stale';
  /** Waits for all writes so far before it goes on. */
  readonly isBarrier: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  resource: fc.constantFrom(...RESOURCES),
  namespace: fc.constantFrom(...NAMESPACES),
  name: fc.constantFrom(...NAMES),
  op: fc.constantFrom('put', 'put', 'delete'),
  believes: fc.constantFrom('newest', 'newest', 'newest', 'absent', 'stale'),
  isBarrier: fc.boolean(),
});
const steps = fc.array(step, { minLength: 1, maxLength: 80 });

/** Resource and place → revision. */
type State = ReadonlyMap<string, number>;

function placeOf({ resource, namespace, name }: Step): string {
  return `${resource} ${namespace}/${name}`;
}

/** The state at each revision, from the writes alone: compare-and-set is decided when a write is asked for. */
class Model {
  readonly states: State[] = [new Map()];
  readonly events: { readonly revision: number; readonly line: string }[] = [];

  get newest(): State {
    return this.states.at(-1) ?? new Map();
  }

  expectedRevision(asked: Step): number {
    const found = this.newest.get(placeOf(asked)) ?? 0;
    if (asked.believes === 'newest') return found;
    return asked.believes === 'absent' ? 0 : found + 1_000;
  }

  /** Applies the step and gives its revision, or the name of the error. */
  apply(asked: Step): number | string {
    const place = placeOf(asked);
    const found = this.newest.get(place);
    const expected = this.expectedRevision(asked);
    if (asked.op === 'put' && expected === 0 && found !== undefined) return 'KeyExistsError';
    if (asked.op === 'delete' && found === undefined) return 'RevisionConflictError';
    if (expected !== (found ?? 0)) return 'RevisionConflictError';
    const revision = this.states.length;
    const next = new Map(this.newest);
    if (asked.op === 'delete') next.delete(place);
    else next.set(place, revision);
    this.states.push(next);
    const type = asked.op === 'delete' ? 'DELETED' : found === undefined ? 'ADDED' : 'MODIFIED';
    this.events.push({ revision, line: `${type} ${place}@${revision}` });
    return revision;
  }

  /** Each start takes a revision for its claim, which nobody sees. */
  started(): void {
    this.states.push(this.newest);
  }

  eventsAfter(since: number): readonly string[] {
    return this.events.filter(({ revision }) => revision > since).map(({ line }) => line);
  }
}

function ask(store: Store, asked: Step, expectedRevision: number): Promise<number | string> {
  return askWithRevision(store, asked, expectedRevision).outcome;
}

/** `revision` is what the store gave the write at once; undefined when it was refused. */
function askWithRevision(
  store: Store,
  asked: Step,
  expectedRevision: number,
): { readonly outcome: Promise<number | string>; readonly revision: number | undefined } {
  const { resource, namespace, name } = asked;
  const object: KubernetesObject = {
    apiVersion: 'v1',
    kind: 'Thing',
    metadata: { namespace, name },
  };
  const options = { resource, namespace, name, expectedRevision };
  const writing = asked.op === 'put' ? store.put(options, object) : store.delete(options, object);
  const { resourceVersion } = object.metadata;
  return {
    outcome: writing.then(
      ({ revision }) => revision,
      (error: Error) => error.name,
    ),
    revision: resourceVersion === undefined ? undefined : Number(resourceVersion),
  };
}

function stateOf(store: Store, exactRevision?: number): Map<string, number> {
  const state = new Map<string, number>();
  for (const resource of RESOURCES) {
    const options = exactRevision === undefined ? {} : { exactRevision };
    for (const object of store.list(resource, options).items) {
      checkBytes(object);
      state.set(`${resource} ${object.namespace}/${object.name}`, object.revision);
    }
  }
  return state;
}

function checkBytes(object: StoredObject): void {
  const { metadata } = JSON.parse(object.bytes.toString()) as KubernetesObject;
  assert.equal(metadata.resourceVersion, String(object.revision));
  assert.equal(metadata.name, object.name);
}

function eventsAfter(store: Store, revision: number): string[] {
  const seen: { readonly revision: number; readonly line: string }[] = [];
  for (const resource of RESOURCES) {
    const events = (batch: readonly StoreEvent[]): void => {
      for (const event of batch) {
        checkBytes(event.object);
        const { type, object } = event;
        const line = `${type} ${resource} ${object.namespace}/${object.name}@${event.revision}`;
        seen.push({ revision: event.revision, line });
      }
    };
    store.watch(resource, revision, { events, closed: () => undefined }).close();
  }
  return seen.toSorted((a, b) => a.revision - b.revision).map(({ line }) => line);
}

/** Everything the store says, now and of every revision, is what the model says. */
function compare(store: Store, model: Model): void {
  assert.equal(store.revision, model.states.length - 1);
  assert.deepEqual(stateOf(store), new Map(model.newest));
  for (const [revision, state] of model.states.entries()) {
    assert.deepEqual(stateOf(store, revision), new Map(state), `at revision ${revision}`);
    assert.deepEqual(eventsAfter(store, revision), model.eventsAfter(revision));
  }
}

async function play(store: Store, sequence: readonly Step[], model: Model): Promise<void> {
  const outcomes: Promise<number | string>[] = [];
  const expected: (number | string)[] = [];
  for (const asked of sequence) {
    const believed = model.expectedRevision(asked);
    expected.push(model.apply(asked));
    outcomes.push(ask(store, asked, believed));
    if (asked.isBarrier) await Promise.all(outcomes);
  }
  assert.deepEqual(await Promise.all(outcomes), expected);
}

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'windlass-store-'));
});
after(() => rm(directory, { recursive: true }));

async function withSqlite(file: string, work: (store: Store) => Promise<void>): Promise<void> {
  await using log = await openPersistence({
    urls: [`sqlite:${join(directory, file)}`],
    machineId: parseMachineId('0'.repeat(32)) as MachineId,
    clock: systemClock,
  });
  await using store = await openStore({ log, clock: systemClock });
  await work(store);
}

test('the store is what the model says, at every revision, and again after it was opened anew', async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(steps, steps, async (first, second) => {
      runs += 1;
      const file = `model-${runs}.db`;
      const model = new Model();
      await withSqlite(file, async (store) => {
        model.started();
        await play(store, first, model);
        compare(store, model);
      });
      await withSqlite(file, async (store) => {
        model.started();
        compare(store, model);
        await play(store, second, model);
        compare(store, model);
      });
    }),
    { numRuns: 8 },
  );
});

test('pages of an old list, at any size and while writes go on, are the list', async () => {
  await fc.assert(
    fc.asyncProperty(steps, steps, fc.integer({ min: 1, max: 5 }), async (first, later, limit) => {
      const store = await openScripted(new ScriptedLog());
      const model = new Model();
      await play(store, first, model);
      const [resource] = RESOURCES;
      const whole = store.list(resource, {});
      const found: StoredObject[] = [];
      let page: ListResult | undefined;
      let writes = later;
      do {
        const startAfter = page?.next;
        page = store.list(resource, {
          limit,
          exactRevision: whole.revision,
          ...(startAfter === undefined ? {} : { startAfter }),
        });
        found.push(...page.items);
        assert.equal(page.remaining ?? 0, whole.items.length - found.length);
        await play(store, writes.slice(0, 5), model);
        writes = writes.slice(5);
      } while (page.next !== undefined);
      assert.deepEqual(found.map(shown), whole.items.map(shown));
    }),
    { numRuns: 60 },
  );
});

test('a slow disk that fails at random: resolved writes are the state, rejected ones are nowhere', async () => {
  const verdicts = fc.infiniteStream(fc.constantFrom(true, false, false));
  const slowness = fc.integer({ min: 0, max: 4 });
  let stackedFailures = 0;
  await fc.assert(
    fc.asyncProperty(steps, verdicts, slowness, async (sequence, failures, turns) => {
      const log = new ScriptedLog();
      log.slowness = turns;
      log.script = () => (failures.next().value ? new StorageFullError('disk') : 'succeed');
      const store = await openScripted(log);
      const live: string[] = [];
      for (const resource of RESOURCES) {
        const events = (batch: readonly StoreEvent[]): void => {
          live.push(...batch.map((event) => `${resource} ${shown(event.object)}`));
        };
        store.watch(resource, 0, { events, closed: () => undefined });
      }
      const writes = await playUnreliably(store, sequence);
      stackedFailures += writes.filter(
        ({ outcome }) => outcome === 'StorageUnavailableError',
      ).length;
      const state = new Map<string, number>();
      const lines: string[] = [];
      for (const { asked, believed, outcome } of writes) {
        if (typeof outcome === 'string') continue;
        lines.push(`${asked.resource} ${asked.namespace}/${asked.name}@${outcome}`);
        // Among the writes that were acknowledged, each stands on exactly the one before it: no lost update.
        assert.equal(state.get(placeOf(asked)) ?? 0, believed);
        if (asked.op === 'delete') state.delete(placeOf(asked));
        else state.set(placeOf(asked), outcome);
      }
      assert.deepEqual(live.toSorted(), lines.toSorted());
      assert.deepEqual(stateOf(store), state);
      assert.deepEqual(stateOf(await openScripted(log)), state);
    }),
    { numRuns: 150 },
  );
  assert.ok(stackedFailures > 0, 'no write failed: this tested nothing');
});

interface Decided {
  readonly asked: Step;
  readonly believed: number;
  readonly outcome: number | string;
}

/** Writers that build on what was asked for last, although it is not durable yet and may fail. */
async function playUnreliably(store: Store, sequence: readonly Step[]): Promise<Decided[]> {
  const believes = new Map<string, number>();
  const decided: Promise<Decided>[] = [];
  for (const asked of sequence) {
    const place = placeOf(asked);
    const last = believes.get(place) ?? 0;
    const visible = store.get(asked.resource, asked.namespace, asked.name)?.revision ?? 0;
    const believed = { newest: last, absent: 0, stale: visible }[asked.believes];
    const { outcome, revision } = askWithRevision(store, asked, believed);
    decided.push(outcome.then((found) => ({ asked, believed, outcome: found })));
    if (revision !== undefined) believes.set(place, asked.op === 'put' ? revision : 0);
    if (asked.isBarrier) await turn();
  }
  return Promise.all(decided);
}

function openScripted(log: ScriptedLog): Promise<Store & AsyncDisposable> {
  return openStore({ log, clock: systemClock });
}

function shown({ namespace, name, revision }: StoredObject): string {
  return `${namespace}/${name}@${revision}`;
}
