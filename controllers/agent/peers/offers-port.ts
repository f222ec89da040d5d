// Which ports of an instance other machines may connect to: those that its containers declare, and those that the ingress of its
// Service leads to. Pure.
import type { IngressService } from '../ingress/entry.ts';
import type { Pod } from '../pod.ts';

export function offersPort(
  pod: Pod | undefined,
  service: Pick<IngressService, 'spec'> | undefined,
  port: number | string,
): boolean {
  const declared = (pod?.spec.containers ?? []).some(({ ports = [] }) =>
    ports.some(
      ({ name, containerPort, protocol = 'TCP' }) =>
        protocol === 'TCP' && (name === port || containerPort === port),
    ),
  );
  return declared || (service?.spec?.ingress ?? []).some(({ targetPort }) => targetPort === port);
}
