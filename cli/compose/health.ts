// `healthcheck` of Compose as probes: readiness holds traffic back, liveness restarts, startup gives it the time of start_period.
import type { V1Probe } from '@kubernetes/client-node';
import type { Field } from './field.ts';
import { literal } from '../spec/container-of-spec.ts';
import { shellCommand } from './words.ts';

export interface Probes {
  readonly startupProbe?: V1Probe;
  readonly readinessProbe?: V1Probe;
  readonly livenessProbe?: V1Probe;
}

const KEYS = [
  'disable',
  'interval',
  'retries',
  'start_interval',
  'start_period',
  'test',
  'timeout',
];
const INTERVAL = 30;
const TIMEOUT = 30;
const RETRIES = 3;
const START_INTERVAL = 5;

/** Disabled, or with the test NONE: that of the image does not count either. */
export function isHealthCheckOff(service: Field): boolean {
  const check = service.get('healthcheck');
  if (check?.get('disable')?.boolean() === true) return true;
  const test = check?.get('test');
  return test !== undefined && testCommand(test) === undefined;
}

export function probesOf(service: Field): Probes {
  const check = service.get('healthcheck');
  if (check === undefined) return {};
  check.refuseUnknown(KEYS);
  if (isHealthCheckOff(service)) return {};
  const test = check.get('test');
  if (test === undefined) {
    check.warn('has no test: the settings of a health check of the image are not changed, ignored');
    return {};
  }
  const command = testCommand(test);
  if (command === undefined) return {};
  const interval = seconds(check, 'interval', INTERVAL);
  const retries = check.get('retries')?.integer(0, 10_000) ?? RETRIES;
  const startPeriod = check.get('start_period')?.duration() ?? 0;
  const probe = {
    exec: { command: [...command] },
    timeoutSeconds: seconds(check, 'timeout', TIMEOUT),
  };
  const running = { ...probe, periodSeconds: interval, failureThreshold: Math.max(1, retries) };
  if (startPeriod === 0 && check.get('start_interval') === undefined)
    return { readinessProbe: running, livenessProbe: running };
  // Failures do not count in start_period; after it, as many as usual do.
  const often = Math.min(interval, seconds(check, 'start_interval', START_INTERVAL));
  const patience = startPeriod / 1000 + interval * Math.max(1, retries);
  return {
    startupProbe: {
      ...probe,
      periodSeconds: often,
      failureThreshold: Math.max(1, Math.ceil(patience / often)),
    },
    readinessProbe: running,
    livenessProbe: running,
  };
}

/** Undefined for NONE. */
function testCommand(test: Field): readonly string[] | undefined {
  if (test.isText) return test.text() === 'NONE' ? undefined : shellCommand(test.text());
  const [kind = '', ...words] = test.items().map((item) => item.text());
  if (kind === 'NONE') return undefined;
  if (kind === 'CMD' && words.length > 0) return words.map(literal);
  if (kind === 'CMD-SHELL' && words.length === 1) return shellCommand(words[0] ?? '');
  return test.fail(
    'must be [CMD, PROGRAM, …], [CMD-SHELL, "COMMAND LINE"], [NONE] or a command line',
  );
}

/** Probes know whole seconds, and at least one. */
function seconds(check: Field, key: string, usual: number): number {
  const field = check.get(key);
  if (field === undefined) return usual;
  const ms = field.duration();
  if (ms === 0) return usual;
  if (ms % 1000 !== 0)
    field.warn(`rounded up to ${Math.ceil(ms / 1000)}s: probes have whole seconds`);
  return Math.ceil(ms / 1000);
}
