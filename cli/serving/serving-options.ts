// --metrics-bind: where `windlass controllers` and a node agent that runs alone show their health and their metrics.
import { isIP } from 'node:net';
import type { OptionTable } from '../options.ts';
import { UsageError } from '../usage-error.ts';

export const servingOptions = {
  'metrics-bind': {
    type: 'string',
    placeholder: 'ADDRESS:PORT',
    help: 'Serve /healthz, /readyz and /metrics there: over HTTP on loopback; elsewhere over HTTPS, metrics for those who may get them (default: nowhere)',
  },
} as const satisfies OptionTable;

export interface ServingAddress {
  readonly host: string;
  readonly port: number;
  /** Whoever reaches it is on this machine. */
  readonly isLoopback: boolean;
}

/** @returns undefined for nowhere. @throws UsageError */
export function servingAddress(text: string | undefined): ServingAddress | undefined {
  if (text === undefined || text === '') return undefined;
  const [, bracketed, plain, digits = ''] =
    /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const port = Number(digits);
  if (isIP(host) !== (bracketed === undefined ? 4 : 6) || port > 65_535)
    throw new UsageError(
      `--metrics-bind must be an IP address of this machine and a port, as 127.0.0.1:10257 or [::]:10257, found ${JSON.stringify(text)}`,
    );
  return { host, port, isLoopback: host.startsWith('127.') || host === '::1' };
}
