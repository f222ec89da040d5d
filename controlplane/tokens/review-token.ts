// TokenReview: whose token is this? Asked by programs that get tokens of others.
import { invalid } from '../api/errors.ts';
import { requiredField } from '../api/field-errors.ts';
import { listAt, stringAt } from '../api/fields.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { UserInfo } from '../api/user.ts';
import type { TokenAuthenticator } from '../identity/token-authenticator.ts';

/** @throws ApiError Invalid when there is no token */
export async function reviewToken(
  tokens: TokenAuthenticator,
  definition: ResourceDefinition,
  object: KubernetesObject,
): Promise<KubernetesObject> {
  const token = stringAt(object, 'spec', 'token');
  if (token === '') throw invalid(definition, '', [requiredField('spec.token')]);
  const audiences = listAt(object, 'spec', 'audiences').map(String);
  const found = await tokens.authenticate(token, audiences);
  if (found === undefined) {
    const error = '[invalid bearer token, Token has been invalidated]';
    return { ...object, status: { user: {}, error } };
  }
  const status = { authenticated: true, user: userInfoOf(found.user), audiences: found.audiences };
  return { ...object, status };
}

/** As `authentication.k8s.io/v1` UserInfo. */
export function userInfoOf({ name, uid, groups, extra }: UserInfo): unknown {
  return {
    username: name,
    ...(uid === undefined || uid === '' ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined ? {} : { extra }),
  };
}
