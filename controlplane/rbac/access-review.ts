// The answers to questions about rights: may I, may they, and what may I at all.
import { isDeepStrictEqual } from 'node:util';
import { badRequest, invalid } from '../api/errors.ts';
import type { FieldError } from '../api/errors.ts';
import { forbiddenField, invalidField } from '../api/field-errors.ts';
import { fieldAt, listAt, objectAt, stringAt } from '../api/fields.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { UserInfo } from '../api/user.ts';
import type { Attributes, Authorizer } from '../identity/authorizer.ts';
import { MASTERS } from '../identity/union-authorizer.ts';

import type { RBACAuthorizer } from './rbac-authorizer.ts';

/** @throws ApiError Invalid when the spec asks nothing, or two things */
export function reviewOwnAccess(
  authorizer: Authorizer,
  definition: ResourceDefinition,
  object: KubernetesObject,
  user: UserInfo,
): KubernetesObject {
  refuse(definition, questionErrors(object));
  return answered(authorizer, object, user);
}

/** Of somebody else; for the kind that lies in a namespace, about that namespace only. */
export function reviewAccess(
  authorizer: Authorizer,
  definition: ResourceDefinition,
  object: KubernetesObject,
  namespace: string,
): KubernetesObject {
  const errors = questionErrors(object);
  const name = stringAt(object, 'spec', 'user');
  const groups = listAt(object, 'spec', 'groups').map(String);
  if (name === '' && groups.length === 0) {
    const why = 'at least one of user or group must be specified';
    errors.push(invalidField('spec.user', name, why));
  }
  if (definition.namespaced) errors.push(...outsideErrors(object, namespace));
  refuse(definition, errors);
  const extra = objectAt(object, 'spec', 'extra') as Record<string, readonly string[]>;
  const uid = stringAt(object, 'spec', 'uid');
  return answered(authorizer, object, { name, groups, uid, extra });
}

function refuse(definition: ResourceDefinition, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid(definition, '', errors);
}

function questionErrors(object: KubernetesObject): FieldError[] {
  const resource = fieldAt(object, 'spec', 'resourceAttributes');
  const path = fieldAt(object, 'spec', 'nonResourceAttributes');
  if (resource !== undefined && path !== undefined) {
    const why = 'cannot be specified in combination with resourceAttributes';
    return [invalidField('spec.nonResourceAttributes', path, why)];
  }
  if (resource === undefined && path === undefined) {
    const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    return [invalidField('spec.resourceAttributes', null, why)];
  }
  return [];
}

function outsideErrors(object: KubernetesObject, namespace: string): FieldError[] {
  if (fieldAt(object, 'spec', 'nonResourceAttributes') !== undefined) {
    return [forbiddenField('spec.nonResourceAttributes', 'disallowed on this kind of request')];
  }
  const asked = stringAt(object, 'spec', 'resourceAttributes', 'namespace');
  return asked === namespace
    ? []
    : [invalidField('spec.resourceAttributes.namespace', asked, 'must match metadata.namespace')];
}

function answered(
  authorizer: Authorizer,
  object: KubernetesObject,
  user: UserInfo,
): KubernetesObject {
  const { allowed, reason } = authorizer.authorize(attributesOf(object, user));
  return { ...object, status: { allowed, ...(reason === '' ? {} : { reason }) } };
}

function attributesOf(object: KubernetesObject, user: UserInfo): Attributes {
  const about = objectAt(object, 'spec', 'resourceAttributes');
  const path = objectAt(object, 'spec', 'nonResourceAttributes');
  const isResourceRequest = fieldAt(object, 'spec', 'resourceAttributes') !== undefined;
  return {
    user,
    isResourceRequest,
    verb: stringAt(isResourceRequest ? about : path, 'verb'),
    path: stringAt(path, 'path'),
    group: stringAt(about, 'group'),
    version: stringAt(about, 'version') || '*',
    resource: stringAt(about, 'resource'),
    subresource: stringAt(about, 'subresource'),
    namespace: stringAt(about, 'namespace'),
    name: stringAt(about, 'name'),
    fieldSelector: stringAt(about, 'fieldSelector', 'rawSelector'),
  };
}

/** What members of system:masters may, whatever roles say. */
const EVERYTHING = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** All rights of the asker in a namespace. Those that a node has by being one are not among them, and it is told so. */
export function reviewOwnRules(
  rbac: RBACAuthorizer,
  object: KubernetesObject,
  user: UserInfo,
): KubernetesObject {
  const namespace = stringAt(object, 'spec', 'namespace');
  if (namespace === '') throw badRequest('no namespace on request');
  const { rules, problems } = rbac.rulesFor(user, namespace);
  const all = user.groups.includes(MASTERS)
    ? [
        ...EVERYTHING,
        ...rules.filter((rule) => !EVERYTHING.some((own) => isDeepStrictEqual(own, rule))),
      ]
    : rules;
  const isNode = user.groups.includes('system:nodes');
  const reasons = [
    ...problems,
    ...(isNode ? ['the rights of nodes on what their Pods refer to are not listed'] : []),
  ];
  return {
    ...object,
    status: {
      resourceRules: all.filter(({ resources = [] }) => resources.length > 0),
      nonResourceRules: all.filter(({ nonResourceURLs = [] }) => nonResourceURLs.length > 0),
      incomplete: reasons.length > 0,
      ...(reasons.length === 0 ? {} : { evaluationError: reasons.join(', ') }),
    },
  };
}
