// Who makes a request: what they showed, and whom they act as.
import type { IncomingMessage } from 'node:http';

import { ApiError } from '../api/errors.ts';
import type { UserInfo } from '../api/user.ts';
import type { Authenticator, PeerSocket } from '../identity/authenticate.ts';
import { asksForImpersonation, impersonate } from '../identity/impersonation.ts';

import { permit } from './permit.ts';
import type { Services } from './services.ts';
import { authorizationOf } from './web-socket-token.ts';

/**
 * A promise only where somebody else must be asked.
 *
 * @param noteActor hears of who acts as somebody else, also when they may not
 * @throws ApiError Unauthorized; Forbidden or BadRequest for an impersonation
 */
export function identify(
  services: Services,
  authenticator: Authenticator,
  request: IncomingMessage,
  noteActor?: (actor: UserInfo) => void,
): UserInfo | Promise<UserInfo> {
  const found = authenticator.authenticate(
    request.socket as unknown as PeerSocket,
    authorizationOf(request.headers),
  );
  return found instanceof Promise
    ? found.then((user) => accept(services, request, user, noteActor))
    : accept(services, request, found, noteActor);
}

function accept(
  services: Services,
  request: IncomingMessage,
  found: UserInfo | ApiError,
  noteActor: ((actor: UserInfo) => void) | undefined,
): UserInfo {
  const isRefused = found instanceof ApiError;
  services.metrics.access.authenticated(isRefused ? undefined : found);
  if (isRefused) throw found;
  if (!asksForImpersonation(request.headers)) return found;
  noteActor?.(found);
  const as = impersonate(request.headersDistinct, found, (attributes) =>
    permit(services, attributes),
  );
  services.logger.debug('Impersonation', { user: found.name, as: as.name });
  return as;
}
