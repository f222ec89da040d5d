// The variables by which an instance finds the services of its namespace without DNS, as Kubernetes makes them: `WEB_SERVICE_HOST`,
// `WEB_SERVICE_PORT` for the first port, `WEB_SERVICE_PORT_HTTP` for a named one. Pure.
import type { ServicePort } from './service-ports.ts';

export interface ReachableService {
  readonly name: string;
  readonly host: string;
  readonly ports: readonly (ServicePort & {
    /** Where the port is reached on `host`. */
    readonly reachedAt: number;
  })[];
}

/** Services without ports have none. */
export function serviceEnvironment(services: readonly ReachableService[]): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const { name, host, ports } of services) {
    const [first] = ports;
    if (first === undefined) continue;
    const prefix = variableOf(name);
    environment[`${prefix}_SERVICE_HOST`] = host;
    environment[`${prefix}_SERVICE_PORT`] = String(first.reachedAt);
    for (const port of ports) {
      if (port.name === undefined) continue;
      environment[`${prefix}_SERVICE_PORT_${variableOf(port.name)}`] = String(port.reachedAt);
    }
  }
  return environment;
}

function variableOf(name: string): string {
  const text = name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
  // No shell takes a variable that begins with a digit.
  return /^\d/.test(text) ? `_${text}` : text;
}
