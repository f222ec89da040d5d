// Design rules about what really happens when a plan is carried out.
import { behaviourOf } from './behaviour.ts';
import type { Demand, DesignRule } from './design-rule.ts';
import { instancesOf } from './plan-rules.ts';
import { isUnwatched } from './run-kind.ts';
import { isStep } from './run-trace.ts';
import type { Expected, ServiceCase } from './service-case.ts';
import { specOrNone } from './text-rules.ts';

export const RUN_RULES: readonly DesignRule[] = [
  {
    name: 'nobody hands in service ids',
    basis: '#service-ids',
    kinds: ['run'],
    instead(one) {
      if (!/\bservice id\b/i.test(one.behaviour)) return undefined;
      const replicas = Math.max(1, specOrNone(one)?.replicas ?? 1);
      const machines = { anyOf: one.initial.machines.map(({ id }) => id) };
      const runs = Array.from({ length: replicas }, () => ({ op: 'run', machine: machines }));
      return { expected: [...runs, { op: 'success' }] };
    },
  },
  {
    name: 'what is stopped first is removed first',
    basis: '#stopped-and-removed',
    kinds: ['run'],
    instead(_one, { expected }) {
      const stopped = expected.findIndex(({ op }) => op === 'stopOld');
      const created = expected.findIndex(({ op }) => op === 'create');
      const removed = expected.find(({ op }) => op === 'removeOld');
      if (stopped === -1 || created < stopped || removed === undefined) return undefined;
      const rest = expected.filter((operation) => operation !== removed);
      return { expected: rest.toSpliced(stopped + 1, 0, removed) };
    },
  },
  {
    name: 'whatever fails, the old instance is back',
    basis: 1,
    kinds: ['run'],
    instead: (one, demand) => afterFailure(one, demand),
  },
  {
    name: 'what never serves is no success, watched or not',
    basis: '#skip-health',
    kinds: ['run'],
    instead: (one, { expected }) =>
      isUnwatched(one) && behaviourOf(one.behaviour).instance !== 'serves'
        ? {
            expected: expected.map((operation) =>
              operation.op === 'success'
                ? { op: 'error', contains: 'is not rolled out' }
                : operation,
            ),
          }
        : undefined,
  },
  {
    name: 'a failure names the instance and its trouble',
    basis: '#failure-words',
    kinds: ['run'],
    instead: (_one, { expected }) => ({
      expected: expected.map((operation) =>
        operation.op === 'error' && isAboutHealth(String(operation['contains']))
          ? { op: 'error', contains: 'is not rolled out' }
          : operation,
      ),
    }),
  },
];

/** Sentences about health that uncloud has words of its own for. */
function isAboutHealth(text: string): boolean {
  return /failed to become healthy|rolled back|unhealthy|deadline|no such image|allocated/i.test(
    text,
  );
}

/** The new instance of a stop-first replace gives its place back; beside the old one, it stays to be looked at. */
function afterFailure(one: ServiceCase, { expected }: Demand): Partial<Demand> | undefined {
  const { instance } = behaviourOf(one.behaviour);
  const old = instancesOf(one).find(({ state }) => state === 'running');
  const error = expected.at(-1);
  const isPlanned = !expected.some(isStep);
  if (instance === 'serves' || old === undefined || error?.op !== 'error' || isPlanned)
    return undefined;
  const { machine } = old;
  const isStopFirst = expected[0]?.op === 'stopOld';
  const made: readonly Expected[] = [{ op: 'create', machine }];
  const begun: readonly Expected[] =
    instance === 'crashes' || instance === 'never ready'
      ? [...made, { op: 'start', machine }, { op: 'waitHealthy' }]
      : made;
  if (!isStopFirst) return { expected: [...begun, error] };
  const back: readonly Expected[] = [
    { op: 'stopNew' },
    { op: 'removeNew' },
    { op: 'startOld', machine },
  ];
  return { expected: [{ op: 'stopOld' }, { op: 'removeOld' }, ...begun, ...back, error] };
}
