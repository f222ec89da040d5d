// A certificate that vouches for nobody: for servers whose clients decide by something else, as probes and scrapes of parts that run alone.
import type { Clock } from '#platform/clock.ts';

import { issueAuthority, issueCertificate } from './identity/issuer.ts';
import type { KeyPair } from './identity/issuer.ts';
import { serverNames } from './identity/server-names.ts';
import { validFor } from './identity/validity.ts';

/** As long as Kubernetes' parts make them: nobody renews it while the process runs. */
const LIFETIME_MS = 3650 * 86_400_000;

/** PEM, for this machine's names; its authority is thrown away, so nobody else gets a certificate of it. */
export async function newServingCertificate(bind: string, clock: Clock): Promise<KeyPair> {
  const validity = validFor(clock, LIFETIME_MS);
  const authority = await issueAuthority('windlass-serving', validity);
  return issueCertificate(authority, serverNames(bind), validity);
}
