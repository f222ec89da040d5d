// A PodWorker at work on a runtime and a server of tests, and its statuses in a few words.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { agentFixture, turns } from './agent-fixture.ts';
import type { Fixture } from './agent-fixture.ts';
import type { Pod, PodStatus } from './pod.ts';
import { PodWorker } from './pod-worker.ts';

export interface Worked extends Fixture {
  readonly worker: PodWorker;
  readonly drained: string[];
  /** Waited for when it is drained. */
  readonly drain: { until: Promise<unknown> };
  readonly isFinished: () => boolean;
}

export async function work(
  t: TestContext,
  pod: Pod,
  prepare: (fixture: Fixture) => void = () => undefined,
): Promise<Worked> {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-pod-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const fixture = agentFixture(folder);
  fixture.server.put('pods', pod);
  prepare(fixture);
  const drained: string[] = [];
  const drain = { until: Promise.resolve() as Promise<unknown> };
  let finished = false;
  const worker = new PodWorker(
    fixture.context,
    pod,
    {
      containersOf: () => fixture.runtime.list(),
      drain: async ({ metadata }, limitMs) => {
        const stops = fixture.runtime.stopped.length;
        drained.push(`${metadata.name} before ${stops} stops, at most ${limitMs / 1000} s`);
        await drain.until;
      },
      changed: () => undefined,
      finished: () => (finished = true),
    },
    new AbortController().signal,
  );
  worker.wake();
  await turns();
  return { ...fixture, worker, drained, drain, isFinished: () => finished };
}

/** `Running Ready=True 0 running` */
export function summary(status: PodStatus | undefined): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const reason = ready?.reason === undefined ? '' : `(${ready.reason})`;
  const containers = (status?.containerStatuses ?? []).map(
    ({ state, restartCount, ready: isReady }) => {
      const name = state.waiting?.reason ?? state.terminated?.reason ?? 'running';
      return `${restartCount} ${name}${isReady ? ' ready' : ''}`;
    },
  );
  return [status?.phase, `Ready=${ready?.status}${reason}`, ...containers].join(' ');
}
