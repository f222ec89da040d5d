// What a person types to reach an entry of spec.ingress.
import type { IngressView } from './rollout.ts';

/** A URL; for UDP the address alone. Programs behind TCP speak HTTP more often than not. */
export function ingressAddress({ port, protocol, host = '', path = '' }: IngressView): string {
  const name = host === '' ? '127.0.0.1' : host;
  if (protocol === 'UDP') return `${name}:${port} (UDP)`;
  return `${protocol === 'HTTPS' ? 'https' : 'http'}://${name}:${port}${path}`;
}

/** The port that a warning of the ingress is about; undefined when its words name none. */
export function portOfWarning(message: string): number | undefined {
  const found = /(?:^|UDP )port (\d+)|^spec\.ingress \w+ (\d+)/.exec(message);
  return found === null ? undefined : Number(found[1] ?? found[2]);
}
