// Containers that somebody else removes or freezes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podOf, turns } from './agent-fixture.ts';
import { summary, work } from './pod-worker-fixture.ts';

test('a container that is removed by hand is started again at once, then with back-off, and says so', async (t) => {
  const { worker, runtime, server, events, clock } = await work(t, podOf({}));
  const remove = async (): Promise<void> => {
    for (const { id } of await runtime.list()) await runtime.remove(id);
    worker.wake();
    await turns();
  };
  await remove();
  assert.equal(runtime.ran.length, 2);
  assert.equal(summary(server.statuses.at(-1)), 'Running Ready=True 1 running ready');
  const last = server.statuses.at(-1)?.containerStatuses?.[0]?.lastState.terminated;
  assert.deepEqual([last?.exitCode, last?.reason], [137, 'ContainerStatusUnknown']);
  assert.ok(
    events.some((event) => event.startsWith('Warning ContainerGone Container main is gone')),
  );

  await remove();
  assert.equal(runtime.ran.length, 2);
  assert.match(summary(server.statuses.at(-1)), /1 CrashLoopBackOff$/);
  clock.advance(10_000);
  await turns();
  assert.equal(runtime.ran.length, 3);
  assert.equal(events.filter((event) => event.includes('ContainerGone')).length, 2);
  await worker.shutDown(true);
});

test('with the policy Never a container that is removed by hand has failed, and is not run again', async (t) => {
  const { worker, runtime, server } = await work(t, podOf({ restartPolicy: 'Never' }));
  for (const { id } of await runtime.list()) await runtime.remove(id);
  worker.wake();
  await turns();
  assert.equal(runtime.ran.length, 1);
  assert.match(summary(server.statuses.at(-1)), /^Failed Ready=False\(PodFailed\) 0 Container/);
  await worker.shutDown(true);
});

test('what had ended stays ended when it is cleaned up, for an agent that starts anew too', async (t) => {
  const first = await work(t, podOf({ restartPolicy: 'OnFailure', containers: two() }));
  const [done] = await first.runtime.list();
  first.runtime.exit(0, done);
  first.worker.wake();
  await turns();
  await first.runtime.remove(done?.id ?? '');
  first.worker.wake();
  await turns();
  assert.equal(first.runtime.ran.length, 2);
  const status = first.server.statuses.at(-1);
  assert.equal(
    summary(status),
    'Running Ready=False(ContainersNotReady) 0 Completed 0 running ready',
  );
  await first.worker.shutDown(false);
  assert.ok(status);

  const pod = { ...podOf({ restartPolicy: 'OnFailure', containers: two() }), status };
  const [, running] = first.runtime.ran;
  const second = await work(t, pod, ({ runtime, clock }) => {
    assert.ok(running);
    runtime.put(running.identity, { state: 'running', startedAt: clock.now() });
  });
  assert.deepEqual(second.runtime.ran, []);
  await second.worker.shutDown(false);
});

test('a container that is frozen by hand goes on', async (t) => {
  const { worker, runtime, events, clock } = await work(t, podOf({}));
  const [running] = await runtime.list();
  assert.ok(running);
  runtime.put(running.identity, { state: 'running', startedAt: clock.now(), frozen: true });
  worker.wake();
  await turns();
  assert.deepEqual([...new Set(runtime.thawed)], [running.id]);
  assert.ok(events.some((event) => event.startsWith('Warning Frozen Container main was frozen')));
  await worker.shutDown(true);
});

function two(): { name: string; image: string }[] {
  return [
    { name: 'a', image: 'i' },
    { name: 'b', image: 'i' },
  ];
}
