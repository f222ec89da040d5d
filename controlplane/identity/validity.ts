// When certificates hold.
import { X509Certificate } from 'node:crypto';

import type { Clock } from '#platform/clock.ts';

import type { Validity } from './issuer.ts';

/** Clocks of other machines may be a little behind ours. */
const BACKDATE_MS = 3_600_000;

export function validFor(clock: Clock, durationMs: number): Validity {
  const now = clock.now();
  return { notBefore: now - BACKDATE_MS, notAfter: now + durationMs };
}

/** Milliseconds since the epoch. @throws Error when the PEM holds no certificate */
export function endOf(certificate: string): number {
  return Date.parse(new X509Certificate(certificate).validTo);
}
