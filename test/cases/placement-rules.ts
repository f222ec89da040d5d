// Design rules about where instances are: what stays, what moves, and what a machine that is away had.
import { effectOn } from './change-rules.ts';
import type { DesignRule } from './design-rule.ts';
import { instancesOf } from './plan-rules.ts';
import type { CaseContainer, Expected, ServiceCase } from './service-case.ts';
import { specOrNone } from './text-rules.ts';
import { isPort } from './world.ts';

export const PLACEMENT_RULES: readonly DesignRule[] = [
  {
    name: 'what a silent machine had is made again by its life cycle, not by plans',
    basis: 4,
    kinds: ['plan'],
    instead(one, { expected }) {
      const away = onSilentMachines(one).length;
      if (away === 0 || specOrNone(one)?.mode === 'global') return undefined;
      let left = away;
      const isMadeLater = ({ op }: Expected): boolean => {
        if (op !== 'run' || left === 0) return false;
        left -= 1;
        return true;
      };
      return { expected: expected.filter((operation) => !isMadeLater(operation)) };
    },
  },
  {
    name: 'a move is one operation',
    basis: '#moves',
    kinds: ['plan'],
    instead(one, { expected }) {
      const spec = specOrNone(one);
      if (spec === undefined || spec.mode === 'global') return undefined;
      const own = instancesOf(one);
      const runs = expected.filter(({ op }) => op === 'run');
      const moved = new Map<Expected, Expected | undefined>();
      for (const operation of expected) {
        const container = own.find(({ id }) => id === operation['container']);
        const isRunning = operation.op === 'remove' && container?.state === 'running';
        const run = isRunning ? runs.shift() : undefined;
        if (container === undefined || run === undefined) continue;
        const { machine } = run;
        const isKept =
          effectOn(container, spec) === 'nothing' && one.options['forceRecreate'] !== true;
        moved.set(run, undefined);
        moved.set(
          operation,
          isKept ? undefined : { op: 'replace', machine, container: container.id },
        );
      }
      if (moved.size === 0) return undefined;
      const after = expected.flatMap((operation): readonly Expected[] => {
        if (!moved.has(operation)) return [operation];
        const instead = moved.get(operation);
        return instead === undefined ? [] : [instead];
      });
      return { expected: after, orderMatters: false };
    },
  },
  {
    name: 'ports of instances can be read',
    basis: '#typed-ports',
    kinds: ['plan', 'eval'],
    instead(one, { expected }) {
      const spec = specOrNone(one);
      const unreadable = instancesOf(one).filter(
        (container) => !(container.spec.ports ?? []).every(isPort),
      );
      if (spec === undefined || unreadable.length === 0) return undefined;
      // Without a clash that can be seen, the order is as where nothing clashes.
      const order = spec.updateConfig?.order ?? 'start-first';
      return {
        expected: expected.map((operation) =>
          operation.op === 'replace' && unreadable.some(({ id }) => id === operation['container'])
            ? { ...operation, order }
            : operation,
        ),
      };
    },
  },
];

function onSilentMachines(one: ServiceCase): readonly CaseContainer[] {
  const silent = new Set(
    one.initial.machines.filter(({ state }) => state === 'down').map(({ id }) => id),
  );
  return instancesOf(one).filter(({ machine }) => silent.has(machine));
}
