import assert from 'node:assert/strict';
import { access, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ChangeListener } from '../machinery/informer.ts';
import { agentFixture, podOf, START, turns } from './agent-fixture.ts';
import type { Fixture } from './agent-fixture.ts';
import type { Pod } from './pod.ts';
import { PodManager } from './pod-manager.ts';

interface Managed extends Fixture {
  readonly manager: PodManager;
  readonly tell: ChangeListener<Pod>;
}

const gone = { namespace: 'default', pod: 'gone', podUID: 'u9', container: 'main', attempt: 0 };

/** A node with one Pod `u1`, and what is left of a Pod `u9` that is gone: a container and a folder. */
async function manage(
  t: TestContext,
  prepare: (fixture: Fixture) => void = () => undefined,
): Promise<Managed> {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-manager-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const fixture = agentFixture(folder);
  const { context, runtime, server } = fixture;
  server.put('pods', podOf({}));
  runtime.put(gone, { state: 'running', startedAt: START });
  await mkdir(context.folderOf('u9'), { recursive: true });
  prepare(fixture);
  let tell: ChangeListener<Pod> = () => undefined;
  const manager = new PodManager(
    {
      context,
      informer: {
        onChange(listener) {
          tell = listener;
          listener({ type: 'Added', object: podOf({}) });
          return () => undefined;
        },
      },
      drain: () => Promise.resolve(),
      changed: () => undefined,
    },
    new AbortController().signal,
  );
  manager.start();
  await turns();
  return { ...fixture, manager, tell: (change) => tell(change) };
}

async function untilGone(path: string): Promise<void> {
  for (;;) {
    try {
      await access(path);
    } catch {
      return;
    }
    await turns();
  }
}

test('PodManager runs its Pods, and stops and removes what belongs to none', async (t) => {
  const { runtime, context } = await manage(t);
  await untilGone(context.folderOf('u9'));
  assert.deepEqual(runtime.stopped, [{ id: 'fake://u9-main-0', graceSeconds: 30 }]);
  assert.deepEqual(
    (await runtime.list()).map(({ identity, state }) => [identity.podUID, state.state]),
    [['u1', 'running']],
  );
});

test('PodManager stops the containers of a Pod that was removed without asking us', async (t) => {
  const { runtime, tell, context } = await manage(t);
  await untilGone(context.folderOf('u9'));
  tell({ type: 'Deleted', object: podOf({}) });
  await turns();
  assert.deepEqual(runtime.stopped.at(-1), { id: 'fake://u1-main-0', graceSeconds: 30 });
  assert.deepEqual(await runtime.list(), []);
});

test('PodManager starts its Pods while an orphan ignores its stop signal, and kills that at the end', async (t) => {
  const { runtime, manager } = await manage(t, (fixture) => {
    const stop = fixture.runtime.stop.bind(fixture.runtime);
    fixture.runtime.stop = (id, graceSeconds) =>
      id.includes('u9') && graceSeconds > 0 ? new Promise(() => undefined) : stop(id, graceSeconds);
  });
  assert.equal(runtime.ran.length, 1);
  await manager.close(true);
  assert.deepEqual(runtime.stopped, [
    { id: 'fake://u1-main-0', graceSeconds: 30 },
    { id: 'fake://u9-main-0', graceSeconds: 0 },
  ]);
});

test('PodManager at the end leaves everything running when it is told to', async (t) => {
  const { runtime, manager, context } = await manage(t);
  await untilGone(context.folderOf('u9'));
  await manager.close(false);
  assert.equal(runtime.stopped.length, 1, 'only the orphan');
  assert.equal((await runtime.list()).length, 1);
});
