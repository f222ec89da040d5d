// How a patch is refused. Upstream tells clients of a patch that does not fit only that the request is in error; we add
// what exactly as a cause, which kubectl prints.
import { ApiError } from '../errors.ts';

/** A `test` operation did not hold. */
export class PatchTestError extends ApiError {}

/** 422: well formed, but it does not fit the object: a path that is missing, a test that failed, a merge key left out. */
export function patchDoesNotFit(what: string, Kind = ApiError): ApiError {
  return new Kind(
    422,
    'Invalid',
    'the server rejected our request due to an error in our request',
    {
      details: { causes: [{ reason: 'UnexpectedServerResponse', message: what, field: 'patch' }] },
    },
  );
}
