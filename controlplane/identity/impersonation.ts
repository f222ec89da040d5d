// `kubectl --as`: acting as somebody else, for those who may impersonate every part of who that is.
import { badRequest } from '../api/errors.ts';
import type { UserInfo } from '../api/user.ts';

import { resourceAttributes } from './authorizer.ts';
import type { Attributes } from './authorizer.ts';

/** Header names in lower case → all values, as IncomingMessage.headersDistinct has them. */
export type DistinctHeaders = Readonly<Record<string, readonly string[] | undefined>>;

const PREFIX = 'impersonate-';
const EXTRA = 'impersonate-extra-';
const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** True when the request asks for it. Cheap: asked of every request. */
export function asksForImpersonation(headers: Readonly<Record<string, unknown>>): boolean {
  for (const name in headers) if (name.startsWith(PREFIX)) return true;
  return false;
}

/**
 * Who the request is to be made as.
 *
 * @param permit throws ApiError Forbidden when the real user may not
 * @throws ApiError BadRequest when something but no user is named
 */
export function impersonate(
  headers: DistinctHeaders,
  actor: UserInfo,
  permit: (attributes: Attributes) => void,
): UserInfo {
  const [name = ''] = headers['impersonate-user'] ?? [];
  const groups = headers['impersonate-group'] ?? [];
  const [uid = ''] = headers['impersonate-uid'] ?? [];
  const extra = extraOf(headers);
  if (name === '') {
    const asked = [
      ...groups.map((group) => `group ${JSON.stringify(group)}`),
      ...(uid === '' ? [] : [`uid ${JSON.stringify(uid)}`]),
      ...Object.keys(extra).map((key) => `extra ${JSON.stringify(key)}`),
    ];
    throw badRequest(`requested [${asked.join(' ')}] without impersonating a user`);
  }
  const ask = (asked: Partial<Attributes> & Pick<Attributes, 'resource'>): void => {
    const version = 'v1';
    permit(resourceAttributes(actor, { verb: 'impersonate', group: '', version, ...asked }));
  };
  const account = ACCOUNT.exec(name);
  const [, namespace = '', accountName = ''] = account ?? [];
  if (account === null) ask({ resource: 'users', name });
  else ask({ resource: 'serviceaccounts', namespace, name: accountName });
  for (const group of groups) ask({ resource: 'groups', name: group });
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) {
      ask({
        group: 'authentication.k8s.io',
        resource: 'userextras',
        subresource: key,
        name: value,
      });
    }
  }
  if (uid !== '') ask({ group: 'authentication.k8s.io', resource: 'uids', name: uid });
  const given =
    groups.length > 0 || account === null
      ? groups
      : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  return {
    name,
    groups: withStanding(name, given),
    ...(uid === '' ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

/** Whoever is impersonated counts as authenticated, but for nobody. */
function withStanding(name: string, groups: readonly string[]): readonly string[] {
  const standing = name === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated';
  const isThere =
    groups.includes('system:authenticated') || groups.includes('system:unauthenticated');
  return isThere ? groups : [...groups, standing];
}

function extraOf(headers: DistinctHeaders): Readonly<Record<string, readonly string[]>> {
  const extra: Record<string, readonly string[]> = {};
  for (const [header, values] of Object.entries(headers)) {
    if (!header.startsWith(EXTRA) || values === undefined) continue;
    Object.defineProperty(extra, keyOf(header.slice(EXTRA.length)), {
      value: values,
      enumerable: true,
    });
  }
  return extra;
}

/** Keys may be percent-encoded; what is no encoding stands for itself. */
function keyOf(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
