// Design rules about what really happens when a plan is carried out.
import type { DesignRule } from './design-rule.ts';
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
];
