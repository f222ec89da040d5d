// A published port of the ingress as an entry of spec.ingress. Pure.
import type { IngressEntry } from '#controllers/service/types.ts';
import type { PublishedPort } from '../run/port-text.ts';

/** Without a port of its own, HTTP is at 80 of each node, HTTPS at 443, and all else where it is in the container. */
export function ingressEntry({
  containerPort,
  publishedPort,
  protocol,
  hostname,
}: PublishedPort): IngressEntry {
  const usual = { https: 443, http: 80, tcp: containerPort, udp: containerPort }[protocol];
  return {
    port: publishedPort ?? usual,
    targetPort: containerPort,
    protocol: protocol.toUpperCase() as NonNullable<IngressEntry['protocol']>,
    ...(hostname === undefined ? {} : { host: hostname.toLowerCase() }),
  };
}
