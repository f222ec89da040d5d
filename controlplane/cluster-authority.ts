// The authority of a control plane that somebody makes elsewhere, and the certificate of its administrator: whoever has both reaches
// that control plane from the moment it runs, and machines can be told by which hash to know it.
import type { Clock } from '#platform/clock.ts';

import { issueAuthority, issueCertificate } from './identity/issuer.ts';
import type { KeyPair } from './identity/issuer.ts';
import { endOf, validFor } from './identity/validity.ts';

const DAY_MS = 86_400_000;
const AUTHORITY_MS = 3650 * DAY_MS;
const ADMIN_MS = 7 * DAY_MS;

/** PEM; for the setting `authority` of a control plane. */
export function newClusterAuthority(clock: Clock): Promise<KeyPair> {
  return issueAuthority('windlass-ca', validFor(clock, AUTHORITY_MS));
}

/** PEM; holds for a week. */
export function newClusterAdmin(authority: KeyPair, clock: Clock): Promise<KeyPair> {
  const request = {
    usage: 'client',
    commonName: 'windlass-cluster-controller',
    organizations: ['system:masters'],
  } as const;
  const { notBefore, notAfter } = validFor(clock, ADMIN_MS);
  const end = Math.min(notAfter, endOf(authority.certificate));
  return issueCertificate(authority, request, { notBefore, notAfter: end });
}
