import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import type { ApiObject, ApiResource, Client } from '../machinery/client-types.ts';
import { RequestError } from '../machinery/request-error.ts';
import type { ExecuteContext } from './execute-context.ts';
import { executePlan, PARALLEL_OPERATIONS } from './execute-plan.ts';
import { NOW, revision, settings } from './plan-fixture.ts';
import type { Operation, RunOperation } from './plan-types.ts';
import type { Service } from './types.ts';

type Answer = (name: string, count: number) => Promise<void>;

/** Notes what is made, and how many requests are under way at one time. */
class Server {
  readonly made: string[] = [];
  mostAtOnce = 0;
  #count = 0;
  #atOnce = 0;
  readonly #answer: Answer;

  constructor(answer: Answer = () => turn()) {
    this.#answer = answer;
  }

  async create<T extends ApiObject>({ kind }: ApiResource, _: string, object: object): Promise<T> {
    const { name } = (object as ApiObject).metadata;
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    this.#count += 1;
    try {
      await this.#answer(name, this.#count);
      this.made.push(`${kind} ${name}`);
      return object as T;
    } finally {
      this.#atOnce -= 1;
    }
  }
}

const service: Service = {
  metadata: {
    name: 'web',
    namespace: 'default',
    uid: 'uid-web',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: { template: revision('v1').template },
};

function contextOf(server: Server, change: Partial<ExecuteContext> = {}): ExecuteContext {
  const files = [{ name: 'settings', content: 'a', mounts: [] }];
  const withFiles = revision('v1', { data: { template: revision('v1').template, configs: files } });
  return {
    client: server as unknown as Client,
    service,
    settings: settings(),
    target: 'v1',
    taken: new Set(),
    tried: new Map(),
    files: new Map(),
    revisionOf: () => withFiles,
    claims: [],
    now: NOW,
    signal: new AbortController().signal,
    ...change,
  };
}

function runs(count: number): readonly RunOperation[] {
  return Array.from({ length: count }, (_, index) => ({
    op: 'run',
    node: `n${index}`,
    revision: 'v1',
    step: 'create',
    state: 'InProgress',
    reasons: ['it is missing'],
  }));
}

const volume: Operation = {
  op: 'createVolume',
  node: 'n0',
  create: {
    claimName: 'data',
    node: 'n0',
    volume: { name: 'data' },
    mode: 'Replicated',
    existing: undefined,
  },
  step: 'create',
  state: 'InProgress',
  reasons: ['it does not exist'],
};

const silent = { step: () => undefined, failure: () => undefined };

test('instances are made several at a time, under the names that one after the other would get', async () => {
  const many = new Server();
  assert.equal(await executePlan(runs(100), contextOf(many), silent), undefined);
  assert.equal(many.mostAtOnce, PARALLEL_OPERATIONS);

  const single = new Server();
  const context = contextOf(single);
  for (const operation of runs(100)) await executePlan([operation], context, silent);
  assert.equal(single.mostAtOnce, 1);
  assert.deepEqual(many.made.toSorted(), single.made.toSorted());
  assert.equal(new Set(many.made).size, 101, '100 Pods, and the files once');
});

test('names that are taken already are passed over', async () => {
  const first = new Server();
  await executePlan(runs(3), contextOf(first), silent);
  const names = first.made.filter((text) => text.startsWith('Pod ')).map((text) => text.slice(4));
  const next = new Server();
  await executePlan(runs(2), contextOf(next, { taken: new Set(names) }), silent);
  assert.equal(new Set([...first.made, ...next.made]).size, 6);
});

test('volumes are there before the first instance is made', async () => {
  const server = new Server();
  await executePlan([volume, ...runs(20)], contextOf(server), silent);
  assert.equal(server.made[0], 'PersistentVolumeClaim data');
  assert.equal(server.made.length, 22);
});

test('one that fails stops no other, and the first by the order of the plan is the one to tell', async () => {
  const order: string[] = [];
  await executePlan(
    runs(5),
    contextOf(new Server((name) => Promise.resolve(void order.push(name)))),
    silent,
  );
  const [, , early, late] = order;
  const failures: string[] = [];
  const server = new Server(async (name) => {
    if (name === late) throw new Error('the late one');
    await turn();
    if (name === early) throw new Error('the early one');
  });
  const report = { step: () => undefined, failure: (text: string) => void failures.push(text) };
  const problem = await executePlan(runs(5), contextOf(server), report);
  assert.deepEqual(failures, ['the late one', 'the early one']);
  assert.equal((problem as Error).message, 'the early one');
  assert.equal(server.made.length, 4);
});

test('nothing more is made in a namespace that goes away', async () => {
  const causes = [{ reason: 'NamespaceTerminating' }];
  const terminating = new RequestError(403, 'Forbidden', 'it is going away', { causes });
  const server = new Server((_, count) => (count > 10 ? Promise.reject(terminating) : turn()));
  assert.equal(await executePlan(runs(100), contextOf(server), silent), undefined);
  assert.ok(server.made.length <= PARALLEL_OPERATIONS + 10, `${server.made.length} were made`);
});

test('an abort ends it once what is under way has ended', async () => {
  const stop = new AbortController();
  const server = new Server(async (_, count) => {
    if (count === 20) stop.abort(new Error('told to stop'));
    await turn();
    stop.signal.throwIfAborted();
  });
  const context = contextOf(server, { signal: stop.signal });
  await assert.rejects(executePlan(runs(100), context, silent), /told to stop/);
  const made = server.made.length;
  await turn();
  assert.equal(server.made.length, made);
  assert.ok(made < 100);
});
