// CertificateSigningRequest: who asks is written by the server, the spec is fixed for good, approval and certificate have a door each.
import { DerError } from '#controlplane/api/certificates/der.ts';
import { parseSigningRequest } from '#controlplane/api/certificates/signing-request.ts';
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  duplicateField,
  forbiddenField,
  invalidField,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import {
  fieldAt,
  isObject,
  listAt,
  numberAt,
  objectAt,
  stringAt,
} from '#controlplane/api/fields.ts';
import { checkDNSSubdomain } from '#controlplane/api/names.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { formatTimestamp } from '#controlplane/api/timestamps.ts';
import type { UserInfo } from '#controlplane/api/user.ts';
import type { Environment } from '../environment.ts';
import { sameJSON } from '../equality.ts';
import type { Strategy } from '../strategy.ts';

const SHORTEST_SECONDS = 600;
/** Decided by whoever approves, and never taken back. */
const VERDICTS: ReadonlySet<string> = new Set(['Approved', 'Denied']);
const MASTERS = 'system:masters';

function prepareForCreate(object: KubernetesObject, _env: Environment, user: UserInfo): void {
  const spec = objectAt(object, 'spec');
  const { name, uid, groups, extra } = user;
  object['spec'] = {
    ...spec,
    username: name,
    groups: [...groups],
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra }),
  };
  if (uid === undefined) Reflect.deleteProperty(object['spec'] as object, 'uid');
  if (extra === undefined) Reflect.deleteProperty(object['spec'] as object, 'extra');
}

function prepareForUpdate(
  object: KubernetesObject,
  old: KubernetesObject,
  _subresource: string,
  { clock }: Environment,
): void {
  if (old['spec'] !== undefined) object['spec'] = old['spec'];
  const now = formatTimestamp(clock.now());
  for (const condition of listAt(object, 'status', 'conditions')) {
    if (!isObject(condition)) continue;
    const before = conditionsOf(old, stringAt(condition, 'type'))[0];
    const isNew = stringAt(before, 'status') !== stringAt(condition, 'status');
    if (!condition['lastUpdateTime']) condition['lastUpdateTime'] = now;
    if (!condition['lastTransitionTime'])
      condition['lastTransitionTime'] = isNew ? now : stringAt(before, 'lastTransitionTime') || now;
  }
}

function conditionsOf(object: KubernetesObject, ...types: readonly string[]): readonly unknown[] {
  return listAt(object, 'status', 'conditions').filter((condition) =>
    types.includes(stringAt(condition, 'type')),
  );
}

function validateRequest(object: KubernetesObject): FieldError[] {
  const encoded = stringAt(object, 'spec', 'request');
  try {
    parseSigningRequest(Buffer.from(encoded, 'base64').toString('latin1'));
    return [];
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return [invalidField('spec.request', encoded, error.message)];
  }
}

/** `example.com/name`, both parts DNS subdomains, the latter perhaps with colons. */
function validateSigner(name: string): FieldError[] {
  const field = 'spec.signerName';
  if (name === '') return [requiredField(field)];
  const [domain = '', path = '', ...more] = name.split('/');
  if (more.length > 0 || path === '')
    return [
      invalidField(
        field,
        name,
        'must be a fully qualified domain and path of the form "example.com/signer-name"',
      ),
    ];
  const wrong = checkDNSSubdomain(domain) ?? checkDNSSubdomain(path.replaceAll(':', '-'));
  if (wrong !== undefined) return [invalidField(field, name, wrong)];
  return domain.includes('.')
    ? []
    : [
        invalidField(
          field,
          name,
          'should be a domain with at least two segments separated by dots',
        ),
      ];
}

function validateSpec(object: KubernetesObject): FieldError[] {
  const errors = [
    ...validateRequest(object),
    ...validateSigner(stringAt(object, 'spec', 'signerName')),
  ];
  const usages = listAt(object, 'spec', 'usages').map(String);
  if (usages.length === 0) errors.push(requiredField('spec.usages', 'usages is required'));
  usages.forEach((usage, index) => {
    if (usages.indexOf(usage) < index) errors.push(duplicateField(`spec.usages[${index}]`, usage));
  });
  const seconds = fieldAt(object, 'spec', 'expirationSeconds');
  if (seconds !== undefined && numberAt(object, 'spec', 'expirationSeconds') < SHORTEST_SECONDS)
    errors.push(
      invalidField(
        'spec.expirationSeconds',
        seconds,
        'may not specify a duration less than 600 seconds (10 minutes)',
      ),
    );
  if (stringAt(object, 'spec', 'signerName') === 'kubernetes.io/legacy-unknown')
    errors.push(
      invalidField(
        'spec.signerName',
        'kubernetes.io/legacy-unknown',
        'may not use legacy-unknown in v1',
      ),
    );
  return errors;
}

function validateConditions(object: KubernetesObject): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  listAt(object, 'status', 'conditions').forEach((condition, index) => {
    const at = `status.conditions[${index}]`;
    const type = stringAt(condition, 'type');
    const status = stringAt(condition, 'status');
    if (type === '') errors.push(requiredField(`${at}.type`));
    if (seen.has(type)) errors.push(duplicateField(`${at}.type`, type));
    seen.add(type);
    const isFinal = VERDICTS.has(type) || type === 'Failed';
    const allowed = isFinal ? ['True'] : ['True', 'False', 'Unknown'];
    if (status === '') errors.push(requiredField(`${at}.status`));
    else if (!allowed.includes(status))
      errors.push(unsupportedField(`${at}.status`, status, allowed));
  });
  if (seen.has('Approved') && seen.has('Denied'))
    errors.push(
      invalidField(
        'status.conditions',
        'Denied',
        'Approved and Denied conditions are mutually exclusive',
      ),
    );
  return errors;
}

function validateUpdate(
  object: KubernetesObject,
  old: KubernetesObject,
  subresource: string,
): FieldError[] {
  const errors = validateConditions(object);
  const verdicts = (of: KubernetesObject): readonly unknown[] =>
    conditionsOf(of, ...VERDICTS).map((one) => [stringAt(one, 'type'), stringAt(one, 'status')]);
  const before = verdicts(old);
  const after = verdicts(object);
  const mayDecide = subresource === 'approval';
  if (!mayDecide && !sameJSON(before, after))
    errors.push(
      forbiddenField(
        'status.conditions',
        `updates may not ${after.length > before.length ? 'add' : 'remove'} a condition of type "Approved" or "Denied"`,
      ),
    );
  if (mayDecide && before.some((one) => !after.some((other) => sameJSON(one, other))))
    errors.push(
      forbiddenField(
        'status.conditions',
        'updates may not remove a condition of type "Approved" or "Denied"',
      ),
    );
  const issued = stringAt(old, 'status', 'certificate');
  if (issued !== '' && stringAt(object, 'status', 'certificate') !== issued)
    errors.push(
      forbiddenField('status.certificate', 'updates may not clear or change a certificate'),
    );
  return errors;
}

export const certificateSigningRequestStrategy: Strategy = {
  prepareForCreate,
  prepareForUpdate,
  mergeSubresource(object, old) {
    // Approval: the conditions, and what people note down beside them.
    const { labels, annotations } = object.metadata;
    const { conditions: _, ...status } = objectAt(old, 'status');
    const conditions = fieldAt(object, 'status', 'conditions');
    return {
      ...old,
      metadata: {
        ...old.metadata,
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
      },
      status: conditions === undefined ? status : { ...status, conditions },
    };
  },
  validate(object) {
    const groups = organizationsOf(object);
    const isClient =
      stringAt(object, 'spec', 'signerName') === 'kubernetes.io/kube-apiserver-client';
    const errors = validateSpec(object);
    if (isClient && groups.includes(MASTERS))
      errors.push(
        forbiddenField(
          'spec.request',
          `use of kubernetes.io/kube-apiserver-client signer with ${MASTERS} group is not allowed`,
        ),
      );
    return errors;
  },
  validateUpdate,
};

function organizationsOf(object: KubernetesObject): readonly string[] {
  try {
    const pem = Buffer.from(stringAt(object, 'spec', 'request'), 'base64').toString('latin1');
    return parseSigningRequest(pem).organizations;
  } catch {
    return [];
  }
}
