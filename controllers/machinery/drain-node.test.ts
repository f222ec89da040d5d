import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import type { ApiObject, Client, DeleteRequest } from './client-types.ts';
import { DrainError, drainNode, drainStep } from './drain-node.ts';
import type { DrainedNode } from './drain-node.ts';
import { readDrainSettings } from './drain-settings.ts';
import { emptyNode, EvictionMemory } from './empty-node.ts';
import { FakeClock, thing } from './machinery-fixture.ts';
import { RequestError } from './request-error.ts';

const { signal } = new AbortController();
const OWNER = { apiVersion: 'v1', kind: 'Service', name: 'o', uid: 'o', controller: true };

/** A node's Pods, and budgets that say no. */
class Pods {
  readonly clock = new FakeClock();
  readonly asked: string[] = [];
  readonly pods = new Map<string, ApiObject>();
  /** What evicting one is answered with; absent: it goes at once. */
  readonly answers = new Map<string, () => Error | 'stops'>();

  constructor(...names: readonly string[]) {
    for (const name of names) this.pods.set(name, thing(name, '1', { ownerReferences: [OWNER] }));
  }

  get node(): DrainedNode {
    const part = {
      list: () =>
        Promise.resolve({ metadata: { resourceVersion: '1' }, items: [...this.pods.values()] }),
      connect: (_: unknown, _namespace: string, name: string) => this.#ask(`evict ${name}`, name),
      delete: (_: unknown, _namespace: string, name: string, request: DeleteRequest) =>
        this.#ask(`delete ${name} ${request.gracePeriodSeconds ?? ''}`.trim(), name, true),
    };
    return { client: part as unknown as Client, clock: this.clock, name: 'n1' };
  }

  #ask(what: string, name: string, isForced = false): Promise<void> {
    this.asked.push(`${this.clock.now() / 1000} ${what}`);
    const answer = isForced ? undefined : this.answers.get(name)?.();
    if (answer instanceof Error) return Promise.reject(answer);
    const pod = this.pods.get(name);
    if (answer !== 'stops') this.pods.delete(name);
    else if (pod !== undefined) {
      const metadata = { ...pod.metadata, deletionTimestamp: 'x', deletionGracePeriodSeconds: 30 };
      this.pods.set(name, { ...pod, metadata });
    }
    return Promise.resolve();
  }

  /** Turns the clock until the work ends. */
  async settle<T>(work: Promise<T>): Promise<T> {
    const running = new Set([work]);
    const over = (): void => running.clear();
    work.then(over, over);
    for (let turns = 0; running.size > 0 && turns < 10_000; turns += 1) {
      await turn();
      if (running.size > 0 && this.clock.pending > 0) this.clock.advance(100);
    }
    return work;
  }
}

function held(retryAfterSeconds?: number): RequestError {
  const causes = [{ reason: 'DisruptionBudget', message: 'budget web needs 2 healthy pods' }];
  const message = 'Cannot evict pod as it would violate the budget.';
  return new RequestError(429, 'TooManyRequests', message, { causes }, retryAfterSeconds);
}

test('a Pod that its budget holds is asked again after longer and longer, and others go meanwhile', async () => {
  const world = new Pods('a', 'b');
  world.answers.set('a', () => (world.clock.now() < 20_000 ? held() : 'stops'));
  const tick = (): void => {
    if (world.clock.now() >= 36_000) world.pods.delete('a');
    else world.clock.schedule(1_000, tick);
  };
  tick();
  await world.settle(drainNode(world.node, {}, signal));
  assert.deepEqual(world.asked, [
    '0 evict a',
    '0 evict b',
    '1 evict a',
    '3 evict a',
    '7 evict a',
    '15 evict a',
    '25 evict a',
  ]);
});

test('whoever says when to ask again is asked no sooner', async () => {
  const world = new Pods('a');
  world.answers.set('a', () => held(30));
  await assert.rejects(
    world.settle(drainNode(world.node, { timeout: '1m' }, signal)),
    (error) =>
      error instanceof DrainError &&
      error.message ===
        'node n1 is not empty after 1m: ns/a: waits: budget web needs 2 healthy pods',
  );
  assert.deepEqual(world.asked, ['0 evict a', '30 evict a', '60 evict a']);
});

test('Force deletes what budgets held, once the time is up', async () => {
  const world = new Pods('a');
  world.answers.set('a', () => held());
  const settings = { timeout: '2s', gracePeriod: '5s', onTimeout: 'Force' } as const;
  await world.settle(drainNode(world.node, settings, signal));
  assert.deepEqual(world.asked.at(-1), '2 delete a 5');
});

test('a drain that is switched off asks nobody', async () => {
  const world = new Pods('a');
  await drainNode(world.node, { enabled: false }, signal);
  const memory = new EvictionMemory();
  const step = drainStep(world.node, { enabled: false }, { sinceMs: 0, memory }, signal);
  assert.equal(await step, undefined);
  assert.deepEqual(world.asked, []);
});

test('who comes back to a drain again and again asks as seldom as who waits', async () => {
  const world = new Pods('a');
  world.answers.set('a', () => held());
  const memory = new EvictionMemory();
  const step = (): Promise<string | undefined> =>
    drainStep(world.node, { timeout: '20s' }, { sinceMs: world.clock.now(), memory }, signal);
  for (; world.clock.now() <= 16_000; world.clock.advance(500))
    assert.equal(await step(), 'waits for ns/a: waits: budget web needs 2 healthy pods');
  assert.deepEqual(
    world.asked,
    [0, 1, 3, 7, 15].map((at) => `${at} evict a`),
  );
  world.clock.advance(10_000);
  await assert.rejects(step(), /^DrainError: node n1 is not empty after 20s: ns\/a: waits/);
  const force = { timeout: '20s', onTimeout: 'Force' } as const;
  assert.match(
    (await drainStep(world.node, force, { sinceMs: 21_000, memory }, signal)) ?? '',
    /ns\/a/,
  );
  assert.equal(await drainStep(world.node, force, { sinceMs: 22_000, memory }, signal), undefined);
});

test('what stops already is not asked again, but for a shorter time', async () => {
  const world = new Pods('a');
  world.answers.set('a', () => 'stops');
  const memory = new EvictionMemory();
  const options = { ...world.node, node: 'n1', mustGo: () => true, memory };
  const patience = { timeoutMs: 3_000, stopsAtRefusals: true };
  const by = (kind: 'eviction' | 'deletion', gracePeriodSeconds: number): Promise<unknown> =>
    world.settle(emptyNode({ ...options, by: kind, gracePeriodSeconds }, patience, signal));
  await by('eviction', 1);
  await by('deletion', 30);
  assert.deepEqual(world.asked, ['0 evict a']);
  await by('deletion', 1);
  assert.deepEqual(world.asked, ['0 evict a', '6 delete a 1']);
  assert.equal(world.pods.size, 0);
});

test('what the server refuses ends it where somebody reads the answer, and is asked again where nobody does', async () => {
  const world = new Pods('a');
  const two = new RequestError(500, 'InternalError', 'a has 2 budgets');
  world.answers.set('a', () => two);
  const memory = new EvictionMemory();
  const options = { ...world.node, node: 'n1', mustGo: () => true, memory };
  const all = { ...options, by: 'eviction', gracePeriodSeconds: undefined } as const;
  const left = await emptyNode(all, { timeoutMs: Infinity, stopsAtRefusals: true }, signal);
  assert.deepEqual(
    left.map(({ why, isRefused }) => [why, isRefused]),
    [['a has 2 budgets', true]],
  );
  world.answers.set('a', () => (world.clock.now() < 5_000 ? two : 'stops'));
  world.clock.schedule(9_000, () => world.pods.clear());
  await world.settle(drainNode(world.node, {}, signal));
  assert.equal(world.pods.size, 0);
});

test('a Pod that is gone when it is asked, or another by its name, holds nobody up', async () => {
  const world = new Pods('a', 'b');
  world.answers.set('a', () => (world.pods.delete('a'), new RequestError(404, 'NotFound', '')));
  world.answers.set('b', () => (world.pods.delete('b'), new RequestError(409, 'Conflict', '')));
  await world.settle(drainNode(world.node, {}, signal));
  assert.deepEqual(world.asked, ['0 evict a', '0 evict b']);
});

test('settings are read as far as they are some', () => {
  assert.deepEqual(readDrainSettings(undefined), {});
  assert.deepEqual(readDrainSettings('{'), {});
  assert.deepEqual(readDrainSettings('[1]'), {});
  assert.deepEqual(readDrainSettings('{"timeout":5,"onTimeout":"Maybe","enabled":"no"}'), {});
  const all = {
    enabled: false,
    timeout: '1m',
    gracePeriod: '2s',
    onTimeout: 'Force',
    podSelector: 'app=x',
  };
  assert.deepEqual(readDrainSettings(JSON.stringify({ ...all, more: 1 })), all);
});
