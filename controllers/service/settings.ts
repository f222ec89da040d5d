// The update settings of a Service with every default filled in, durations in milliseconds. Pure.
import { parseDuration } from '../machinery/duration.ts';
import type {
  CanaryStep,
  FailureAction,
  Hook,
  HookName,
  Service,
  ServiceMode,
  UpdateOrder,
  UpdateType,
} from './types.ts';

export interface Settings {
  readonly mode: ServiceMode;
  readonly replicas: number;
  readonly paused: boolean;
  /** Names; empty: all nodes. */
  readonly placementNodes: readonly string[];
  readonly type: UpdateType;
  readonly order: UpdateOrder;
  readonly maxParallel: number;
  readonly delayMs: number;
  /** How long a new instance without probes must run before it counts. */
  readonly monitorMs: number;
  readonly progressDeadlineMs: number;
  readonly failureAction: FailureAction;
  /** Of all instances, 0 to 1. */
  readonly maxFailureRatio: number;
  /** At least one. */
  readonly canarySteps: readonly CanarySetting[];
  readonly autoPromote: boolean;
  readonly keepMs: number;
  readonly hooks: { readonly [name in HookName]: HookSetting | undefined };
  readonly revisionHistoryLimit: number;
}

export interface CanarySetting {
  /** A number, or a share of all instances. */
  readonly count: { readonly instances: number } | { readonly percent: number };
  /** `undefined`: until promoted. */
  readonly pauseMs: number | undefined;
}

export interface HookSetting extends Omit<Hook, 'timeout'> {
  readonly timeoutMs: number;
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
  maxFailureRatio: 0,
  keep: '0s',
  timeout: '5m',
  revisionHistoryLimit: 10,
} as const;

const UPDATE_TYPES: readonly UpdateType[] = ['Rolling', 'BlueGreen', 'Canary', 'Recreate'];
const FAILURE_ACTIONS: readonly FailureAction[] = ['Rollback', 'Pause', 'Continue'];

/** Longest value of a label. */
const MAXIMUM_NAME = 63;

/** @returns the settings, or a sentence about the field that cannot be used */
export function resolveSettings(
  service: Pick<Service, 'metadata' | 'spec'>,
): Settings | { readonly problem: string } {
  try {
    return settingsOf(service);
  } catch (error) {
    if (error instanceof Unusable) return { problem: error.message };
    throw error;
  }
}

/** What the schema would have refused: objects can come from servers and files that do not know it. */
class Unusable extends Error {}

function settingsOf({ metadata: { name }, spec }: Pick<Service, 'metadata' | 'spec'>): Settings {
  if (name.length > MAXIMUM_NAME) {
    throw new Unusable(
      `metadata.name has ${name.length} characters: instances carry it in a label, which holds ${MAXIMUM_NAME}; use a shorter one`,
    );
  }
  const { updateStrategy: strategy = {}, hooks = {} } = spec;
  const at = 'spec.updateStrategy';
  const duration = (field: 'delay' | 'monitorPeriod' | 'progressDeadline'): number =>
    milliseconds(`${at}.${field}`, strategy[field] ?? DEFAULTS[field]);
  return {
    mode: spec.mode ?? DEFAULTS.mode,
    replicas: Math.max(0, spec.replicas ?? DEFAULTS.replicas),
    paused: spec.paused ?? false,
    placementNodes: spec.placement?.nodes ?? [],
    type: oneOf(`${at}.type`, strategy.type ?? DEFAULTS.type, UPDATE_TYPES),
    order: strategy.order ?? DEFAULTS.order,
    maxParallel: Math.max(1, strategy.maxParallel ?? DEFAULTS.maxParallel),
    delayMs: duration('delay'),
    monitorMs: duration('monitorPeriod'),
    progressDeadlineMs: duration('progressDeadline'),
    failureAction: oneOf(
      `${at}.failureAction`,
      strategy.failureAction ?? DEFAULTS.failureAction,
      FAILURE_ACTIONS,
    ),
    maxFailureRatio: Math.min(1, Math.max(0, strategy.maxFailureRatio ?? DEFAULTS.maxFailureRatio)),
    canarySteps: (strategy.canary?.steps ?? [{ count: 1 }]).map((step, index) =>
      canarySetting(`${at}.canary.steps[${index}]`, step),
    ),
    autoPromote: strategy.blueGreen?.autoPromote ?? true,
    keepMs: milliseconds(`${at}.blueGreen.keep`, strategy.blueGreen?.keep ?? DEFAULTS.keep),
    hooks: {
      preDeploy: hookSetting('spec.hooks.preDeploy', hooks.preDeploy),
      postDeploy: hookSetting('spec.hooks.postDeploy', hooks.postDeploy),
    },
    revisionHistoryLimit: Math.max(0, spec.revisionHistoryLimit ?? DEFAULTS.revisionHistoryLimit),
  };
}

function milliseconds(field: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) {
    throw new Unusable(
      `${field} ${JSON.stringify(text)} is no duration: write it as 30s, 5m or 1h30m`,
    );
  }
  return ms;
}

function oneOf<T extends string>(field: string, value: T, known: readonly T[]): T {
  if (!known.includes(value)) {
    throw new Unusable(`${field} ${JSON.stringify(value)} is not known: use ${known.join(', ')}`);
  }
  return value;
}

function canarySetting(field: string, { count, pause }: CanaryStep): CanarySetting {
  const percent = typeof count === 'string' ? /^(\d{1,3})%$/.exec(count)?.[1] : undefined;
  const amount = Number(percent ?? count);
  if (!Number.isInteger(amount) || amount < 1 || (percent !== undefined && amount > 100)) {
    throw new Unusable(
      `${field}.count ${JSON.stringify(count)} is neither a number of instances nor a share as "25%"`,
    );
  }
  return {
    count: percent === undefined ? { instances: amount } : { percent: amount },
    pauseMs: pause === undefined ? undefined : milliseconds(`${field}.pause`, pause),
  };
}

function hookSetting(field: string, hook: Hook | undefined): HookSetting | undefined {
  if (hook === undefined) return undefined;
  const { timeout = DEFAULTS.timeout, ...rest } = hook;
  return { ...rest, timeoutMs: milliseconds(`${field}.timeout`, timeout) };
}
