// POST serviceaccounts/token: a token for an account, perhaps bound to a Pod, Secret or Node.
import { storedJSON } from '../registry/objects.ts';
import { badRequest, conflict, forbidden, invalid, notFound } from '../api/errors.ts';
import type { FieldError } from '../api/errors.ts';
import { invalidField } from '../api/field-errors.ts';
import { fieldAt, listAt, numberAt, stringAt } from '../api/fields.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { UserInfo } from '../api/user.ts';
import { nodeNameOf } from '../identity/node-authorizer.ts';
import type { Store } from '../store/types.ts';
import { formatTimestamp } from '../api/timestamps.ts';

import type { BoundObject, ServiceAccountTokens } from './service-account-tokens.ts';

const DEFAULT_SECONDS = 3600;
const SHORTEST_SECONDS = 600;
const LONGEST_SECONDS = 2 ** 32;

const SUBJECT = { group: '', resource: 'serviceaccounts', kind: 'ServiceAccount' };

export interface TokenRequestTarget {
  readonly namespace: string;
  readonly name: string;
}

/**
 * The TokenRequest with its status.
 *
 * @throws ApiError NotFound, Invalid, BadRequest, Conflict; Forbidden for a node that asks for more than its Pods have
 */
export function requestToken(
  store: Store,
  tokens: ServiceAccountTokens,
  { namespace, name }: TokenRequestTarget,
  object: KubernetesObject,
  user: UserInfo,
): KubernetesObject {
  const account = store.get('core/serviceaccounts', namespace, name);
  if (account === undefined) throw notFound(SUBJECT, name);
  const { metadata } = object;
  if ((metadata.name ?? '') !== '' && metadata.name !== name)
    throw badRequest(
      `the name of the object (${metadata.name}) is not that of the account (${name})`,
    );
  const asked = numberAt(object, 'spec', 'expirationSeconds');
  const expirationSeconds = asked === 0 ? DEFAULT_SECONDS : asked;
  const errors = secondsErrors(expirationSeconds);
  if (errors.length > 0)
    throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', errors);
  const bound = boundObjects(store, { namespace, name }, fieldAt(object, 'spec', 'boundObjectRef'));
  restrictNode(store, namespace, user, bound, object);
  const given = listAt(object, 'spec', 'audiences').map(String);
  const audiences = given.length === 0 ? [tokens.issuer] : given;
  const { token, expires } = tokens.issue({
    namespace,
    account: { name, uid: account.uid },
    audiences,
    expirationSeconds,
    bound,
  });
  const expirationTimestamp = formatTimestamp(expires * 1000);
  return {
    ...object,
    metadata: { ...metadata, name, namespace },
    spec: {
      audiences,
      expirationSeconds,
      boundObjectRef: fieldAt(object, 'spec', 'boundObjectRef') ?? null,
    },
    status: { token, expirationTimestamp },
  };
}

function secondsErrors(seconds: number): readonly FieldError[] {
  const wrong = (why: string): readonly FieldError[] => [
    invalidField('spec.expirationSeconds', seconds, why),
  ];
  if (seconds < SHORTEST_SECONDS) return wrong('may not specify a duration less than 10 minutes');
  return seconds > LONGEST_SECONDS
    ? wrong('may not specify a duration larger than 2^32 seconds')
    : [];
}

function boundObjects(
  store: Store,
  account: TokenRequestTarget,
  reference: unknown,
): readonly BoundObject[] {
  if (reference === undefined || reference === null) return [];
  const kind = stringAt(reference, 'kind');
  const apiVersion = stringAt(reference, 'apiVersion');
  if (apiVersion !== 'v1' || (kind !== 'Pod' && kind !== 'Secret' && kind !== 'Node'))
    throw badRequest(`cannot bind token to object of type ${apiVersion}, Kind=${kind}`);
  const name = stringAt(reference, 'name');
  const resource = `${kind.toLowerCase()}s`;
  const namespace = kind === 'Node' ? '' : account.namespace;
  const stored = store.get(`core/${resource}`, namespace, name);
  if (stored === undefined) throw notFound({ group: '', resource, kind }, name);
  const uid = stringAt(reference, 'uid');
  if (uid !== '' && uid !== stored.uid) {
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict({ group: '', resource, kind }, name, why);
  }
  const bound: BoundObject = { kind, name, uid: stored.uid };
  if (kind !== 'Pod') return [bound];
  const pod = storedJSON(stored);
  if (stringAt(pod, 'spec', 'serviceAccountName') !== account.name) {
    const why = `cannot bind token for serviceaccount ${JSON.stringify(account.name)} to pod running with different serviceaccount name.`;
    throw badRequest(why);
  }
  const nodeName = stringAt(pod, 'spec', 'nodeName');
  const node = nodeName === '' ? undefined : store.get('core/nodes', '', nodeName);
  return node === undefined ? [bound] : [bound, { kind: 'Node', name: nodeName, uid: node.uid }];
}

/** A node gets tokens for Pods that run on it, and dies with them: upstream's NodeRestriction. */
function restrictNode(
  store: Store,
  namespace: string,
  user: UserInfo,
  bound: readonly BoundObject[],
  object: KubernetesObject,
): void {
  const node = nodeNameOf(user);
  if (node === undefined) return;
  const refuse = (why: string): Error =>
    forbidden(SUBJECT, object.metadata.name ?? '', `node requested token ${why}`);
  const pod = bound.find(({ kind }) => kind === 'Pod');
  if (pod === undefined) throw refuse('not bound to a pod');
  if (stringAt(object, 'spec', 'boundObjectRef', 'uid') === '')
    throw refuse('with a pod binding without a uid');
  const stored = store.get('core/pods', namespace, pod.name);
  if (stored === undefined || stringAt(storedJSON(stored), 'spec', 'nodeName') !== node)
    throw refuse('bound to a pod scheduled on a different node');
}
