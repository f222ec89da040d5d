// The ports that a Service has under its name: the TCP ports that the containers of its template declare. Pure.
import type { V1PodSpec } from '@kubernetes/client-node';
import type { IngressService } from '../ingress/entry.ts';

/** Service (windlass.dev) as far as names go. */
export interface NamedService extends IngressService {
  readonly spec?: IngressService['spec'] & {
    readonly template?: { readonly spec?: Pick<V1PodSpec, 'containers'> };
  };
}

export interface ServicePort {
  readonly port: number;
  readonly name?: string;
}

/** In the order of the template, each number once. */
export function servicePorts(service: NamedService): readonly ServicePort[] {
  const found = new Map<number, ServicePort>();
  for (const { ports = [] } of service.spec?.template?.spec?.containers ?? []) {
    for (const { containerPort: port, name, protocol = 'TCP' } of ports) {
      if (protocol !== 'TCP' || found.has(port)) continue;
      found.set(port, { port, ...(name === undefined ? {} : { name }) });
    }
  }
  return [...found.values()];
}
