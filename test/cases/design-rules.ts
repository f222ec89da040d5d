// Where we differ from uncloud on purpose, as a table: a case that rules change is held to what they say, not to uncloud's outcome.
import { CHANGE_RULES } from './change-rules.ts';
import type { Demand, DesignRule } from './design-rule.ts';
import { PLACEMENT_RULES } from './placement-rules.ts';
import { PLAN_RULES } from './plan-rules.ts';
import { RUN_RULES } from './run-rules.ts';
import type { ServiceCase } from './service-case.ts';
import { TEXT_RULES } from './text-rules.ts';

export const DESIGN_RULES: readonly DesignRule[] = [
  ...TEXT_RULES,
  ...CHANGE_RULES,
  ...PLACEMENT_RULES,
  ...PLAN_RULES,
  ...RUN_RULES,
];

/** @returns what must come of a case, and the rules that changed that */
export function byDesign(one: ServiceCase): Demand & { readonly rules: readonly DesignRule[] } {
  let demand: Demand = {
    expected: one.expected,
    status: one.expectedStatus,
    orderMatters: one.orderMatters,
  };
  const rules: DesignRule[] = [];
  for (const rule of DESIGN_RULES) {
    if (!rule.kinds.includes(one.kind)) continue;
    const next = { ...demand, ...rule.instead(one, demand) };
    if (JSON.stringify(next) === JSON.stringify(demand)) continue;
    demand = next;
    rules.push(rule);
  }
  return { ...demand, rules };
}
