// Reaching a Docker Engine, and reading its refusals.
import { createRequire } from 'node:module';
import type Docker from 'dockerode';

/** Loaded when an Engine is first reached: with its gRPC it costs each process 0.15 s. */
function engineClient(): typeof Docker {
  return createRequire(import.meta.url)('dockerode') as typeof Docker;
}

export const DEFAULT_HOST = 'unix:///var/run/docker.sock';

/** @param host as in DOCKER_HOST. @throws Error for a form that is not known */
export function connectTo(host: string): Docker {
  const url = URL.parse(host);
  const Docker = engineClient();
  if (url?.protocol === 'unix:') return new Docker({ socketPath: url.pathname });
  if (url?.protocol === 'tcp:' || url?.protocol === 'http:') {
    return new Docker({
      host: url.hostname,
      port: url.port === '' ? 2375 : Number(url.port),
      protocol: 'http',
    });
  }
  throw new Error(
    `Cannot use DOCKER_HOST ${JSON.stringify(host)}: give unix:///path/to/docker.sock or tcp://host:port`,
  );
}

/** HTTP status of a refusal; undefined when there was no answer. */
export function codeOf(error: unknown): number | undefined {
  const { statusCode } = error as { readonly statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : undefined;
}

/** For catch(): makes undefined of these refusals and throws the others on. */
export function ignoreCodes(...codes: readonly number[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(codeOf(error) ?? 0)) throw error;
  };
}

export const ignoreMissing = ignoreCodes(404);

/** The Engine's own words. */
export function reasonOf(error: unknown): string {
  const { json, message } = error as {
    readonly json?: { readonly message?: string };
    readonly message?: string;
  };
  return json?.message ?? message ?? String(error);
}
