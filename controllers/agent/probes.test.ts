import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Probe } from '@kubernetes/client-node';
import { FakeClock } from '../machinery/machinery-fixture.ts';
import { START, turns } from './agent-fixture.ts';
import type { Container } from './pod.ts';
import type { ProbeOutcome } from './probe-request.ts';
import { ContainerProbes } from './probes.ts';

interface Run {
  readonly probes: ContainerProbes;
  readonly clock: FakeClock;
  /** `+0 readiness ask`, `+3 changed` … with seconds since the start. */
  readonly log: string[];
  readonly pass: (seconds: number) => Promise<void>;
}

function run(
  container: Partial<Container>,
  answers: Partial<Record<'startup' | 'liveness' | 'readiness', readonly boolean[]>>,
  more: { readonly adoptedReady?: boolean; readonly ranForMs?: number } = {},
): Run {
  const clock = new FakeClock();
  clock.advance(START);
  const log: string[] = [];
  const say = (text: string): void => void log.push(`+${(clock.now() - START) / 1000} ${text}`);
  const left = new Map(Object.entries(answers).map(([type, list]) => [type, [...list]]));
  const typeOf = (probe: V1Probe): string =>
    probe === container.startupProbe
      ? 'startup'
      : probe === container.livenessProbe
        ? 'liveness'
        : 'readiness';
  const probes = new ContainerProbes({
    container: { name: 'main', ...container },
    startedAt: START - (more.ranForMs ?? 0),
    adoptedReady: more.adoptedReady ?? false,
    clock,
    request: (probe): Promise<ProbeOutcome> => {
      const type = typeOf(probe);
      const list = left.get(type) ?? [];
      const success = (list.length > 1 ? list.shift() : list[0]) ?? true;
      say(`${type} ${success ? 'yes' : 'no'}`);
      return Promise.resolve({ success, message: success ? '' : 'no' });
    },
    events: {
      changed: () => say(`started=${probes.started} ready=${probes.ready}`),
      failed: () => undefined,
      unhealthy: (type) => say(`${type} unhealthy`),
      counted: () => undefined,
    },
  });
  const pass = async (seconds: number): Promise<void> => {
    // What waits for an answer is scheduled a moment after it, so the hands turn in small steps.
    for (let step = 0; step <= seconds * 10; step += 1) {
      clock.advance(step === 0 ? 0 : 100);
      await turns();
      clock.advance(0);
      await turns();
    }
  };
  return { probes, clock, log, pass };
}

const exec = { command: ['ask'] };

interface Case {
  readonly title: string;
  readonly container: Partial<Container>;
  readonly answers: Parameters<typeof run>[1];
  readonly more?: Parameters<typeof run>[2];
  readonly seconds: number;
  readonly log: readonly string[];
  /** At the beginning. */
  readonly ready: boolean;
}

const cases: readonly Case[] = [
  {
    title: 'no probes: ready at once',
    container: {},
    answers: {},
    seconds: 3,
    log: [],
    ready: true,
  },
  {
    title: 'readiness follows the thresholds',
    container: {
      readinessProbe: { exec, periodSeconds: 1, successThreshold: 2, failureThreshold: 2 },
    },
    answers: { readiness: [true, true, false, true, false, false] },
    seconds: 5,
    ready: false,
    log: [
      '+0 readiness yes',
      '+1 readiness yes',
      '+1 started=true ready=true',
      '+2 readiness no',
      '+3 readiness yes',
      '+4 readiness no',
      '+5 readiness no',
      '+5 started=true ready=false',
    ],
  },
  {
    title: 'initialDelaySeconds hold the first one back',
    container: { readinessProbe: { exec, periodSeconds: 5, initialDelaySeconds: 2 } },
    answers: {},
    seconds: 4,
    ready: false,
    log: ['+2 readiness yes', '+2 started=true ready=true'],
  },
  {
    title: 'initialDelaySeconds count from the start of the container',
    container: { readinessProbe: { exec, periodSeconds: 5, initialDelaySeconds: 3 } },
    answers: {},
    more: { ranForMs: 2_000 },
    seconds: 3,
    ready: false,
    log: ['+1 readiness yes', '+1 started=true ready=true'],
  },
  {
    title: 'startup holds the others back, then they begin',
    container: {
      startupProbe: { exec, periodSeconds: 2, failureThreshold: 3 },
      livenessProbe: { exec: { command: ['live'] }, periodSeconds: 60 },
      readinessProbe: { exec: { command: ['ready'] }, periodSeconds: 60 },
    },
    answers: { startup: [false, true] },
    seconds: 4,
    ready: false,
    log: [
      '+0 startup no',
      '+0 started=false ready=false',
      '+2 startup yes',
      '+2 started=true ready=false',
      '+2 liveness yes',
      '+2 readiness yes',
      '+2 started=true ready=true',
    ],
  },
  {
    title: 'startup that never passes ends the container, once',
    container: { startupProbe: { exec, periodSeconds: 1, failureThreshold: 2 } },
    answers: { startup: [false] },
    seconds: 5,
    ready: false,
    log: ['+0 startup no', '+0 started=false ready=false', '+1 startup no', '+1 startup unhealthy'],
  },
  {
    title: 'liveness fails after its threshold, once',
    container: { livenessProbe: { exec, periodSeconds: 1, failureThreshold: 2 } },
    answers: { liveness: [true, false, true, false] },
    seconds: 8,
    ready: true,
    log: [
      '+0 liveness yes',
      '+1 liveness no',
      '+2 liveness yes',
      '+3 liveness no',
      '+4 liveness no',
      '+4 liveness unhealthy',
    ],
  },
  {
    title: 'an adopted container is ready again with the first yes, whatever the threshold',
    container: { readinessProbe: { exec, periodSeconds: 5, successThreshold: 3 } },
    answers: {},
    more: { adoptedReady: true },
    seconds: 2,
    ready: false,
    log: ['+0 readiness yes', '+0 started=true ready=true'],
  },
  {
    title: 'an adopted container that was ready has started',
    container: { startupProbe: { exec }, readinessProbe: { exec: { command: ['ready'] } } },
    answers: { readiness: [false] },
    more: { adoptedReady: true },
    seconds: 2,
    ready: false,
    log: ['+0 readiness no', '+0 started=true ready=false'],
  },
];

for (const { title, container, answers, more, seconds, log, ready } of cases) {
  test(`ContainerProbes: ${title}`, async () => {
    const running = run(container, answers, more);
    assert.equal(running.probes.ready, ready);
    await running.pass(seconds);
    const noted = running.log.map((line) => line.replace(/^\+(\d+)\.\d+/, '+$1'));
    assert.deepEqual(
      noted.filter((line, index) => line !== noted[index - 1]),
      log,
    );
    running.probes.stop();
    assert.equal(running.clock.pending, 0);
  });
}

test('ContainerProbes says nothing after it was stopped with a probe under way', async () => {
  const { probes, log, clock } = run(
    { livenessProbe: { exec, failureThreshold: 1 } },
    { liveness: [false] },
  );
  clock.advance(1);
  probes.stop();
  await turns();
  assert.deepEqual(
    log.map((line) => line.replace(/^\S+ /, '')),
    ['liveness no'],
  );
});
