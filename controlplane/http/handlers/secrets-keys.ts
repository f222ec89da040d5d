// The keys that Secrets are sealed with, for `windlass secrets`: GET /windlass/v1/secrets says how things are, POST …/rotate begins
// to change the key (202; the GET tells the progress), POST …/prune forgets keys that nothing needs. For administrators only;
// key ids, never keys.
import { SecretsKeyError } from '#persistence/secrets/secrets-key.ts';

import { ApiError, methodNotAllowed, unknownPath } from '../../api/errors.ts';
import { SecretsBusyError, SecretsInUseError } from '../../secrets/errors.ts';

import type { Handler } from '../context.ts';
import { sendJSON } from '../respond.ts';
import type { Services } from '../services.ts';

export const SECRETS_PATH = '/windlass/v1/secrets';

export function secretsHandler({ secrets }: Services): Handler {
  return async (context) => {
    const { method, path } = context.info;
    const verb = path.slice(SECRETS_PATH.length);
    if (verb !== '' && verb !== '/rotate' && verb !== '/prune') throw unknownPath();
    if (method !== (verb === '' ? 'GET' : 'POST')) throw methodNotAllowed();
    try {
      if (verb === '') sendJSON(context, 200, secrets.status());
      else if (verb === '/rotate') sendJSON(context, 202, await secrets.rotate());
      else sendJSON(context, 200, await secrets.prune());
    } catch (error) {
      throw statusOf(error);
    }
  };
}

function statusOf(error: unknown): unknown {
  if (error instanceof SecretsBusyError)
    return new ApiError(409, 'Conflict', error.message, { cause: error });
  if (error instanceof SecretsInUseError)
    return new ApiError(412, 'PreconditionFailed', error.message, { cause: error });
  // The words of these say what to do, and hold no key.
  if (error instanceof SecretsKeyError)
    return new ApiError(422, 'Invalid', error.message, { cause: error });
  return error;
}
