// What the server's certificate must name, and the URL that clients of this machine are told.
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';

import type { CertificateRequest } from './issuer.ts';

const WILDCARDS = new Set(['0.0.0.0', '::', '']);
const DNS_NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** Loopback, this host's name, the names that Pods know an API server by, and whatever is listened on. */
export function serverNames(bind: string): CertificateRequest {
  const dnsNames = new Set([
    'localhost',
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
  ]);
  const ipAddresses = new Set(['127.0.0.1', '::1']);
  const host = hostname().toLowerCase();
  if (DNS_NAME.test(host)) dnsNames.add(host);
  if (WILDCARDS.has(bind)) {
    for (const address of ownAddresses()) ipAddresses.add(address);
  } else if (isIP(bind) !== 0) ipAddresses.add(bind);
  else if (DNS_NAME.test(bind.toLowerCase())) dnsNames.add(bind.toLowerCase());
  return {
    usage: 'server',
    commonName: 'windlass',
    dnsNames: [...dnsNames],
    ipAddresses: [...ipAddresses],
  };
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => address)
    .filter((address) => isIP(address) !== 0 && !address.includes('%'));
}

/** IPv4 addresses by which others reach the server; loopback where there is no other. */
export function reachableAddresses(bind: string): string[] {
  if (isIPv4(bind) && !WILDCARDS.has(bind)) return [bind];
  const own = WILDCARDS.has(bind) ? ownAddresses().filter((address) => isIPv4(address)) : [];
  const outside = own.filter((address) => !address.startsWith('127.'));
  return outside.length > 0 ? outside : ['127.0.0.1'];
}

/** `https://127.0.0.1:6443`; a server that listens everywhere is reached over loopback. */
export function urlOf(bind: string, port: number): string {
  const host = WILDCARDS.has(bind) ? '127.0.0.1' : isIPv6(bind) ? `[${bind}]` : bind;
  return `https://${host}:${port}`;
}
