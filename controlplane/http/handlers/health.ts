// /healthz, /livez, /readyz: `ok`, or 500 with what is wrong; `?verbose` lists the checks, `?exclude=name` leaves one out,
// `/readyz/<name>` asks one. Anybody may ask, so reasons stay in the log.
import { notFound } from '../../api/errors.ts';

import type { Handler, RequestContext } from '../context.ts';
import { sendMetrics } from '../metrics-answer.ts';
import type { HealthEndpoint, HealthMetrics } from '../health-metrics.ts';
import { sendText } from '../respond.ts';
import type { HealthCheck, Services } from '../services.ts';

interface Outcome {
  readonly name: string;
  readonly failure: string | undefined;
  readonly excluded: boolean;
}

/** Alive means that the event loop answers; only /readyz looks at what else must work. */
const PING: HealthCheck = { name: 'ping', check: () => undefined };
const ENDPOINTS: readonly HealthEndpoint[] = ['healthz', 'livez', 'readyz'];

export function healthHandler(services: Services, metrics: HealthMetrics): Handler {
  return (context) => {
    const [, name = '', ...rest] = context.info.path.split('/').filter(notLast);
    const endpoint = ENDPOINTS.find((one) => one === name) ?? 'healthz';
    const checks = checksOf(services, endpoint);
    const run = (check: HealthCheck, excluded: readonly string[]): Outcome =>
      ask(check, endpoint, excluded, metrics);
    const wanted = rest.join('/');
    if (wanted !== '') {
      const check = checks.find(({ name }) => name === wanted);
      if (check === undefined) {
        throw notFound({ group: '', resource: endpoint, kind: '' }, wanted);
      }
      answer(services, context, endpoint, [run(check, [])], true);
      return;
    }
    const excluded = context.info.query.getAll('exclude');
    const outcomes = checks.map((check) => run(check, excluded));
    answer(services, context, endpoint, outcomes, context.info.query.has('verbose'));
  };
}

function notLast(part: string, index: number, parts: readonly string[]): boolean {
  return part !== '' || index < parts.length - 1;
}

/** /metrics/slis */
export function healthMetricsHandler(services: Services, metrics: HealthMetrics): Handler {
  return async (context) => {
    for (const endpoint of ENDPOINTS) {
      for (const check of checksOf(services, endpoint)) ask(check, endpoint, [], metrics);
    }
    sendMetrics(context, await metrics.registry.expose(), metrics.registry.contentType);
  };
}

function checksOf({ healthChecks }: Services, endpoint: HealthEndpoint): readonly HealthCheck[] {
  return endpoint === 'readyz' ? [PING, ...healthChecks] : [PING];
}

function ask(
  check: HealthCheck,
  endpoint: HealthEndpoint,
  excluded: readonly string[],
  metrics: HealthMetrics,
): Outcome {
  const { name } = check;
  if (excluded.includes(name)) return { name, failure: undefined, excluded: true };
  const failure = check.check();
  metrics.checked(name, endpoint, failure === undefined);
  return { name, failure, excluded: false };
}

function answer(
  services: Services,
  context: RequestContext,
  endpoint: string,
  outcomes: readonly Outcome[],
  verbose: boolean,
): void {
  const failures = outcomes.filter(({ failure }) => failure !== undefined);
  const lines = outcomes.map(lineOf).join('');
  if (failures.length === 0) {
    sendText(context, 200, verbose ? `${lines}${endpoint} check passed\n` : 'ok');
    return;
  }
  for (const { name, failure } of failures) {
    services.logger.debug('Health check fails', { check: name, reason: failure });
  }
  sendText(context, 500, `${lines}${endpoint} check failed\n`);
}

function lineOf({ name, failure, excluded }: Outcome): string {
  if (excluded) return `[+]${name} excluded: ok\n`;
  return failure === undefined ? `[+]${name} ok\n` : `[-]${name} failed: reason withheld\n`;
}
