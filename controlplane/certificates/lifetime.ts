// When a request for a certificate has had its time: upstream's cleaner. Pure.
import { X509Certificate } from 'node:crypto';

import { listAt, stringAt } from '../api/fields.ts';
import type { KubernetesObject } from '../api/object.ts';

const HOUR_MS = 3_600_000;
/** From the condition on; what nobody decided, from its creation on. */
const LIFETIMES_MS: Readonly<Record<string, number>> = {
  Approved: HOUR_MS,
  Denied: HOUR_MS,
  Failed: HOUR_MS,
};
const PENDING_MS = 24 * HOUR_MS;

/** @param now milliseconds since the epoch */
export function isOver(object: KubernetesObject, now: number): boolean {
  const conditions = listAt(object, 'status', 'conditions');
  const hasDecision = conditions.some((one) => LIFETIMES_MS[stringAt(one, 'type')] !== undefined);
  if (!hasDecision) return Date.parse(object.metadata.creationTimestamp ?? '') + PENDING_MS < now;
  const isOld = conditions.some((one) => {
    const lifetime = LIFETIMES_MS[stringAt(one, 'type')];
    return lifetime !== undefined && Date.parse(stringAt(one, 'lastUpdateTime')) + lifetime < now;
  });
  return isOld || hasEnded(stringAt(object, 'status', 'certificate'), now);
}

function hasEnded(encoded: string, now: number): boolean {
  if (encoded === '') return false;
  try {
    const { validTo } = new X509Certificate(Buffer.from(encoded, 'base64'));
    return Date.parse(validTo) < now;
  } catch {
    // Of another signer, in a form of its own.
    return false;
  }
}
