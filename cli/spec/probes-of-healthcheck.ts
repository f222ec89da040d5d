// Probes from a container engine's health check: readiness holds traffic back, liveness restarts what stays unhealthy, startup is patient
// for the start period. Pure.
import { parseDuration } from '#controllers/machinery/duration.ts';
import { UsageError } from '../usage-error.ts';
import type { NeutralHealthcheck } from './neutral-spec.ts';

/** What engines do where a health check says nothing. */
const DEFAULTS = { interval: '30s', timeout: '30s', startInterval: '5s', retries: 3 };

export interface ExecProbe {
  readonly exec: { readonly command: string[] };
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly failureThreshold: number;
}

export interface Probes {
  readonly readinessProbe?: ExecProbe;
  readonly livenessProbe?: ExecProbe;
  readonly startupProbe?: ExecProbe;
}

/** Disabled, or with the test NONE: that of the image does not count either. */
export function isHealthcheckOff(check: NeutralHealthcheck | undefined): boolean {
  return check?.disable === true || check?.test?.[0] === 'NONE';
}

/** Empty for a check that is off, and for one that only adjusts that of the image, which stays as it is. */
export function probesOfHealthcheck(check: NeutralHealthcheck | undefined): Probes {
  const command = commandOf(check?.test);
  if (check === undefined || command === undefined || isHealthcheckOff(check)) return {};
  const retries = check.retries === undefined || check.retries === 0 ? 3 : check.retries;
  const probe = {
    exec: { command },
    timeoutSeconds: seconds('timeout', check.timeout, DEFAULTS.timeout),
  };
  const periodSeconds = seconds('interval', check.interval, DEFAULTS.interval);
  const running = { ...probe, periodSeconds, failureThreshold: retries };
  const startPeriod = milliseconds('start period', check.startPeriod, '0s');
  if (startPeriod === 0) return { readinessProbe: running, livenessProbe: running };
  // Failures do not count in the start period; after it, as many as usual do.
  const often = seconds('start interval', check.startInterval, DEFAULTS.startInterval);
  const patience = startPeriod / 1_000 + periodSeconds * retries;
  return {
    startupProbe: {
      ...probe,
      periodSeconds: Math.min(often, periodSeconds),
      failureThreshold: Math.ceil(patience / Math.min(often, periodSeconds)),
    },
    readinessProbe: running,
    livenessProbe: running,
  };
}

function commandOf(test: readonly string[] | undefined): string[] | undefined {
  const [kind, ...words] = test ?? [];
  if (kind === undefined || kind === 'NONE') return undefined;
  if (kind === 'CMD-SHELL') return ['/bin/sh', '-c', words.join(' ')];
  if (kind !== 'CMD')
    throw new UsageError(
      `health check: the test must begin with CMD, CMD-SHELL or NONE, found '${kind}'`,
    );
  return words;
}

/** Probes count in whole seconds, from one. */
function seconds(what: string, text: string | undefined, usual: string): number {
  const ms = milliseconds(what, text, usual);
  return Math.max(1, Math.ceil((ms === 0 ? milliseconds(what, usual, usual) : ms) / 1_000));
}

function milliseconds(what: string, text: string | undefined, usual: string): number {
  const given = text === undefined || text === '' ? usual : text;
  const ms = given === '0' ? 0 : parseDuration(given);
  if (ms === undefined)
    throw new UsageError(`health check: ${what} '${given}' is no duration; write it as 30s`);
  return ms;
}
