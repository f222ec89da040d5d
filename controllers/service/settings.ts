// The update settings of a Service with every default filled in, durations in milliseconds. Pure.
import type { FailureAction, Service, ServiceMode, UpdateOrder, UpdateType } from './types.ts';

export interface Settings {
  readonly mode: ServiceMode;
  readonly replicas: number;
  readonly paused: boolean;
  readonly type: UpdateType;
  readonly order: UpdateOrder;
  readonly maxParallel: number;
  readonly delayMs: number;
  /** How long a new instance without probes must run before it counts. */
  readonly monitorMs: number;
  readonly progressDeadlineMs: number;
  readonly failureAction: FailureAction;
  readonly revisionHistoryLimit: number;
}

export const DEFAULTS = {
  mode: 'Replicated',
  replicas: 1,
  type: 'Rolling',
  order: 'Auto',
  maxParallel: 1,
  delay: '0s',
  monitorPeriod: '5s',
  progressDeadline: '5m',
  failureAction: 'Pause',
  revisionHistoryLimit: 10,
} as const;

/** Longest value of a label. */
const MAXIMUM_NAME = 63;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `1m30s`; `undefined` for what is no duration. */
export function parseDuration(text: string): number | undefined {
  if (!/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount = '0', unit = ''] of text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (UNIT_MS[unit] ?? 0);
  }
  return total;
}

/** @returns the settings, or a sentence about the field that cannot be used */
export function resolveSettings({
  metadata: { name },
  spec,
}: Pick<Service, 'metadata' | 'spec'>): Settings | { readonly problem: string } {
  if (name.length > MAXIMUM_NAME) {
    return {
      problem: `metadata.name has ${name.length} characters: instances carry it in a label, which holds ${MAXIMUM_NAME}; use a shorter one`,
    };
  }
  const { updateStrategy: strategy = {} } = spec;
  const type: string = strategy.type ?? DEFAULTS.type;
  if (type !== 'Rolling' && type !== 'Recreate') {
    return {
      problem: `spec.updateStrategy.type ${JSON.stringify(type)} is not supported yet: use Rolling or Recreate`,
    };
  }
  const failureAction: string = strategy.failureAction ?? DEFAULTS.failureAction;
  if (failureAction !== 'Pause' && failureAction !== 'Rollback') {
    return {
      problem: `spec.updateStrategy.failureAction ${JSON.stringify(failureAction)} is not supported yet: use Pause or Rollback`,
    };
  }
  const durations: Record<'delay' | 'monitorPeriod' | 'progressDeadline', number> = {
    delay: 0,
    monitorPeriod: 0,
    progressDeadline: 0,
  };
  for (const field of ['delay', 'monitorPeriod', 'progressDeadline'] as const) {
    const text = strategy[field] ?? DEFAULTS[field];
    const ms = parseDuration(text);
    if (ms === undefined) {
      return {
        problem: `spec.updateStrategy.${field} ${JSON.stringify(text)} is no duration: write it as 30s, 5m or 1h30m`,
      };
    }
    durations[field] = ms;
  }
  return {
    mode: spec.mode ?? DEFAULTS.mode,
    replicas: Math.max(0, spec.replicas ?? DEFAULTS.replicas),
    paused: spec.paused ?? false,
    type,
    order: strategy.order ?? DEFAULTS.order,
    maxParallel: Math.max(1, strategy.maxParallel ?? DEFAULTS.maxParallel),
    delayMs: durations.delay,
    monitorMs: durations.monitorPeriod,
    progressDeadlineMs: durations.progressDeadline,
    failureAction,
    revisionHistoryLimit: Math.max(0, spec.revisionHistoryLimit ?? DEFAULTS.revisionHistoryLimit),
  };
}
