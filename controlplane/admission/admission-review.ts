// The AdmissionReview that a webhook is sent, and what it may answer. Pure.
import { isObject, stringAt } from '../api/fields.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { UserInfo } from '../api/user.ts';
import type { AdmissionRequest } from '../registry/admission.ts';

const API_VERSION = 'admission.k8s.io/v1';
const KIND = 'AdmissionReview';

/** What of a webhook's answer counts. */
export interface WebhookResponse {
  readonly allowed: boolean;
  /** metav1.Status of a refusal. */
  readonly status: Readonly<Record<string, unknown>> | undefined;
  /** Decoded from base64; undefined for none. */
  readonly patch: string | undefined;
  readonly patchType: string;
  readonly warnings: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** As `request` of the review and as the variable of expressions. */
export function requestFields(
  request: AdmissionRequest,
  shownAs: ResourceDefinition,
  isConverted: boolean,
): Readonly<Record<string, unknown>> {
  const { definition, kind, subresource, name, namespace, operation, options, context } = request;
  const asked = {
    requestKind: { group: kind.group, version: kind.version, kind: kind.kind },
    requestResource: resourceOf(definition),
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
  };
  return {
    kind: isConverted
      ? { group: shownAs.group, version: shownAs.version, kind: shownAs.kind }
      : asked.requestKind,
    resource: resourceOf(shownAs),
    ...(subresource === '' ? {} : { subResource: subresource }),
    ...asked,
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation,
    userInfo: userFields(context.user),
    dryRun: context.dryRun,
    options: options ?? null,
  };
}

function resourceOf({ group, version, resource }: ResourceDefinition): object {
  return { group, version, resource };
}

function userFields({ name, uid, groups, extra }: UserInfo): object {
  return {
    username: name,
    ...(uid === undefined || uid === '' ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

export function reviewOf(
  uid: string,
  fields: Readonly<Record<string, unknown>>,
  object: KubernetesObject | undefined,
  old: KubernetesObject | undefined,
): unknown {
  return {
    kind: KIND,
    apiVersion: API_VERSION,
    request: { uid, ...fields, object: object ?? null, oldObject: old ?? null },
  };
}

/** @throws Error in upstream's words for what is no answer to the review `uid` */
export function readResponse(body: unknown, uid: string, isMutating: boolean): WebhookResponse {
  if (!isObject(body)) throw new Error('the answer is no JSON object');
  const response = body['response'];
  if (!isObject(response)) throw new Error('webhook response was absent');
  const found = stringAt(response, 'uid');
  if (found !== uid) throw new Error(`expected response.uid="${uid}", got ${quoted(found)}`);
  const apiVersion = stringAt(body, 'apiVersion');
  const kind = stringAt(body, 'kind');
  if (apiVersion !== API_VERSION || kind !== KIND) {
    throw new Error(
      `expected webhook response of ${API_VERSION}, Kind=${KIND}, got ${shown(apiVersion)}, Kind=${shown(kind)}`,
    );
  }
  const { allowed = false, patch, patchType, warnings, auditAnnotations, status } = response;
  if (typeof allowed !== 'boolean') throw wrongType('allowed', 'a boolean');
  const isPatched = patch !== undefined && patch !== null && patch !== '';
  const isTyped = patchType !== undefined && patchType !== null;
  if (isMutating) {
    if (isPatched && !isTyped)
      throw new Error('webhook returned response.patch but not response.patchType');
    if (!isPatched && isTyped)
      throw new Error('webhook returned response.patchType but not response.patch');
    if (patchType === '') throw new Error('webhook returned invalid response.patchType of ""');
  } else {
    if (isPatched) throw new Error('validating webhook may not return response.patch');
    if (isTyped) throw new Error('validating webhook may not return response.patchType');
  }
  return {
    allowed,
    status: isObject(status) ? status : undefined,
    patch: isPatched ? decoded(patch) : undefined,
    patchType: typeof patchType === 'string' ? patchType : '',
    warnings: strings(warnings ?? [], 'warnings'),
    annotations: annotationsOf(auditAnnotations ?? {}),
  };
}

function wrongType(field: string, wanted: string): Error {
  return new Error(`response.${field} must be ${wanted}`);
}

function decoded(patch: unknown): string {
  if (typeof patch !== 'string' || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(patch)) {
    throw wrongType('patch', 'base64');
  }
  return Buffer.from(patch, 'base64').toString('utf8');
}

function strings(value: unknown, field: string): readonly string[] {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw wrongType(field, 'a list of strings');
  }
  return value;
}

function annotationsOf(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value) || !Object.values(value).every((item) => typeof item === 'string')) {
    throw wrongType('auditAnnotations', 'a map of strings');
  }
  return value as Readonly<Record<string, string>>;
}

/** Words of a stranger are cut: what a server answers must not become a way to read it. */
function shown(text: string): string {
  return /^[\w./-]{0,64}$/.test(text) ? text : '(not shown)';
}

function quoted(text: string): string {
  return JSON.stringify(shown(text));
}
