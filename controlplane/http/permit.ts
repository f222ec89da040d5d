// The one question before anything is done for somebody: may they? Counted, and what is refused is in the debug log with who and what.
import { forbiddenError } from '../identity/authorizer.ts';
import type { Attributes } from '../identity/authorizer.ts';

import type { Audit } from './audit/auditor.ts';
import type { Services } from './services.ts';

/**
 * @param audit told what was decided
 * @throws ApiError Forbidden in upstream's words
 */
export function permit(
  { authorizer, metrics, logger }: Pick<Services, 'authorizer' | 'metrics' | 'logger'>,
  attributes: Attributes,
  audit?: Audit,
): void {
  const { allowed, reason } = authorizer.authorize(attributes);
  metrics.access.authorized(allowed);
  audit?.decided(allowed, reason);
  if (allowed) return;
  const error = forbiddenError(attributes, reason);
  logger.debug('Access denied', { user: attributes.user.name, why: error.message });
  throw error;
}
