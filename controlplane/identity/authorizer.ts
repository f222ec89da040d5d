// May this user do this? The question and the form of the answer; who answers is decided in start.ts.
import { ApiError, forbidden } from '../api/errors.ts';
import type { UserInfo } from '../api/user.ts';

/** What a request wants to do, in the words of SubjectAccessReview. */
export interface Attributes {
  readonly user: UserInfo;
  /** `get list watch create update patch delete deletecollection`, or for paths the HTTP method in lower case. */
  readonly verb: string;
  /** False: only `path` says what is asked for. */
  readonly isResourceRequest: boolean;
  readonly path: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** '' for cluster-scoped requests and for those over all namespaces. */
  readonly namespace: string;
  /** '' for collections. */
  readonly name: string;
  /** As in the query. A list of one object by name or of one node's Pods may be allowed where the whole list is not. */
  readonly fieldSelector: string;
}

/** The question about a resource; what it does not say is '', which for most parts means none or any. */
export function resourceAttributes(
  user: UserInfo,
  asked: Partial<Attributes> & Pick<Attributes, 'verb' | 'group' | 'resource'>,
): Attributes {
  return {
    user,
    isResourceRequest: true,
    path: '',
    version: '*',
    subresource: '',
    namespace: '',
    name: '',
    fieldSelector: '',
    ...asked,
  };
}

export interface Decision {
  readonly allowed: boolean;
  /** Why not, for the log and the answer; '' when there is nothing to add. */
  readonly reason: string;
}

export interface Authorizer {
  authorize(attributes: Attributes): Decision;
}

export const allowed: Decision = { allowed: true, reason: '' };
export const denied: Decision = { allowed: false, reason: '' };

/** The 403 of a denied request, in upstream's words. */
export function forbiddenError(attributes: Attributes, reason: string): ApiError {
  const { user, verb, group, name, namespace } = attributes;
  const suffix = reason === '' ? '' : `: ${reason}`;
  if (!attributes.isResourceRequest) {
    return new ApiError(
      403,
      'Forbidden',
      `forbidden: User "${user.name}" cannot ${verb} path "${attributes.path}"${suffix}`,
      { details: {} },
    );
  }
  const resource =
    attributes.subresource === ''
      ? attributes.resource
      : `${attributes.resource}/${attributes.subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const why = `User "${user.name}" cannot ${verb} resource "${resource}" in API group "${group}" ${where}${suffix}`;
  return forbidden({ group, resource: attributes.resource, kind: '' }, name, why);
}
