// The update strategies. A new one is a file and a line here.
import { planBlueGreen } from './plan-blue-green.ts';
import { canaryPace } from './plan-canary.ts';
import { planInstances } from './plan-instances.ts';
import { steadyPace } from './pace.ts';
import type { Plan, PlanInput } from './plan-types.ts';
import type { UpdateType } from './types.ts';

export interface Strategy {
  readonly type: UpdateType;
  /** Pure: same input, same operations, same order. */
  readonly plan: (input: PlanInput) => Plan;
}

const ALL: readonly Strategy[] = [
  { type: 'Rolling', plan: (input) => planInstances(input, steadyPace) },
  { type: 'Recreate', plan: (input) => planInstances(input, steadyPace) },
  { type: 'Canary', plan: (input) => planInstances(input, canaryPace) },
  { type: 'BlueGreen', plan: planBlueGreen },
];

const STRATEGIES: ReadonlyMap<UpdateType, Strategy> = new Map(ALL.map((one) => [one.type, one]));

export function strategyOf(type: UpdateType): Strategy {
  const strategy = STRATEGIES.get(type);
  if (strategy === undefined) throw new TypeError(`There is no update strategy ${type}`);
  return strategy;
}
