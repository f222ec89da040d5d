// Plays one case through the real parts and judges what came of it.
import { ManifestError } from '#cli/apply/manifest.ts';
import { CommandError, UsageError } from '#cli/usage-error.ts';
import { playCompose } from './compose-kind.ts';
import { byDesign } from './design-rules.ts';
import type { DesignRule } from './design-rule.ts';
import { playHealthState } from './health-kind.ts';
import { mismatch } from './match.ts';
import type { Outcome, Player } from './outcome.ts';
import { playEval, playMultiPlan, playPlan, playVolumeSchedule } from './plan-kind.ts';
import { playFormatPort, playParsePort, playValidatePort } from './port-kinds.ts';
import type { BrokenCase, ServiceCase } from './service-case.ts';
import { ShapeError } from './shape.ts';
import { playRun } from './run-kind.ts';
import { playVolumeMatch } from './volume-match-kind.ts';
import { playResolve, playValidate } from './spec-kinds.ts';

export interface Verdict {
  readonly result: 'passed' | 'by design' | 'failed';
  /** Why it failed, or which rules made the difference. */
  readonly detail: string;
}

const PLAYERS: Readonly<Record<string, Player>> = {
  'parse-port': playParsePort,
  'format-port': playFormatPort,
  'validate-port': playValidatePort,
  validate: playValidate,
  resolve: playResolve,
  'health-state': playHealthState,
  plan: playPlan,
  eval: playEval,
  'multi-plan': playMultiPlan,
  'volume-schedule': playVolumeSchedule,
  'volume-match': playVolumeMatch,
  run: playRun,
  compose: playCompose,
};

export async function playCase(one: ServiceCase | BrokenCase): Promise<Verdict> {
  if ('problem' in one) return { result: 'failed', detail: `no case: ${one.problem}` };
  const player = Object.hasOwn(PLAYERS, one.kind) ? PLAYERS[one.kind] : undefined;
  if (player === undefined) {
    const known = Object.keys(PLAYERS).join(', ');
    return {
      result: 'failed',
      detail: `unknown kind ${JSON.stringify(one.kind)}: known are ${known}`,
    };
  }
  let outcome: Outcome;
  try {
    outcome = await played(player, one);
  } catch (error) {
    return {
      result: 'failed',
      detail: error instanceof ShapeError ? `no case: ${error.message}` : told(error),
    };
  }
  return judge(one, outcome);
}

function told(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** What is refused with a sentence for the user is an outcome too. */
async function played(player: Player, one: ServiceCase): Promise<Outcome> {
  try {
    return await player(one);
  } catch (error) {
    const isRefusal =
      error instanceof UsageError ||
      error instanceof CommandError ||
      error instanceof ManifestError;
    if (!isRefusal) throw error;
    return { operations: [{ op: 'error', contains: error.message }] };
  }
}

function judge(one: ServiceCase, outcome: Outcome): Verdict {
  const { expected, status, orderMatters, rules } = byDesign(one);
  const classes = classesOf(one);
  const wrong =
    mismatch(outcome.operations, expected, { orderMatters, classes }) ??
    (status !== undefined && outcome.status !== undefined && outcome.status !== status
      ? `expected status ${status}, came ${outcome.status}`
      : undefined);
  const why = rules.length === 0 ? '' : ` (by design: ${named(rules)})`;
  if (wrong !== undefined) return { result: 'failed', detail: `${wrong}${why}` };
  return { result: rules.length === 0 ? 'passed' : 'by design', detail: named(rules) };
}

function named(rules: readonly DesignRule[]): string {
  return rules
    .map(({ name, basis }) => `${name}, ${typeof basis === 'number' ? `weakness ${basis}` : basis}`)
    .join('; ');
}

/** Containers that nothing tells apart stand for each other: which of them goes is said by nobody. */
function classesOf({ initial }: ServiceCase): ReadonlyMap<string, string> {
  const first = new Map<string, string>();
  const classes = new Map<string, string>();
  for (const { id, ...rest } of initial.containers) {
    const key = JSON.stringify(rest);
    const name = first.get(key) ?? id;
    first.set(key, name);
    classes.set(id, name);
  }
  return classes;
}
