// The small documents about the server itself: /version, /metrics and the list of paths at /.
import { buildInfo } from '../build-info.ts';
import type { Handler } from '../context.ts';
import { sendMetrics } from '../metrics-answer.ts';
import { sendJSON } from '../respond.ts';
import type { Services } from '../services.ts';

export function versionHandler(services: Services): Handler {
  const { major, minor, ...build } = buildInfo(services.version.windlass);
  const version = {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    ...build,
  };
  return (context) => sendJSON(context, 200, version);
}

export function metricsHandler(services: Services): Handler {
  return async (context) => {
    const text = await services.exposeMetrics();
    sendMetrics(context, text, services.metricsContentType);
  };
}

const FIXED_PATHS = [
  '/.well-known/openid-configuration',
  '/api',
  '/api/v1',
  '/apis',
  '/healthz',
  '/livez',
  '/metrics',
  '/metrics/slis',
  '/openapi/v2',
  '/openapi/v3',
  '/openid/v1/jwks',
  '/readyz',
  '/version',
];

export function rootHandler(services: Services): Handler {
  return (context) => {
    const groups = services.scheme.groups().filter(({ group }) => group !== '');
    const paths = groups.flatMap(({ group, versions }) => [
      `/apis/${group}`,
      ...versions.map((version) => `/apis/${group}/${version}`),
    ]);
    const checks = ['ping', ...services.healthChecks.map(({ name }) => name)];
    const all = [...FIXED_PATHS, ...paths, ...checks.map((name) => `/readyz/${name}`)];
    sendJSON(context, 200, { paths: all.toSorted() });
  };
}
