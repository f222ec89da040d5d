// All rules of a PodSpec, of a Pod or of a template of one, in upstream's words and at the fields that upstream names.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  duplicateField,
  forbiddenField,
  invalidField,
  invalidFields,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { checkIPAddress } from '#controlplane/api/ip-address.ts';
import {
  checkDNSLabel,
  checkDNSSubdomain,
  qualifiedNameProblems,
} from '#controlplane/api/names.ts';
import { validateSysctls } from '../strategies/sysctl-validation.ts';
import {
  validateContainers,
  validateEphemeralContainers,
  validateInitContainers,
} from './container-rules.ts';
import type { Surroundings } from './container-rules.ts';
import { validateDNS } from './dns-rules.ts';
import {
  validateAffinity,
  validateLabels,
  validateSpread,
  validateTolerations,
} from './placement-rules.ts';
import { validateHostNetworkPorts } from './port-rules.ts';
import { validateAmount, validateResources } from './resource-rules.ts';
import { validatePodSecurity } from './security-rules.ts';
import { validateVolumes } from './volume-rules.ts';

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'] as const;
const PREEMPTION_POLICIES = ['PreemptLowerPriority', 'Never'] as const;
const DEFAULT_GRACE_SECONDS = 30;
const DEADLINE_MAXIMUM_SECONDS = 2 ** 31 - 1;

/**
 * @param at where the PodSpec stands: `spec`, `spec.template.spec`
 * @param addedVolumes names of volumes that the controller will add to its Pods
 */
export function validatePodSpec(
  spec: unknown,
  at: string,
  addedVolumes: readonly string[] = [],
): FieldError[] {
  const around = surroundingsOf(spec, at, addedVolumes);
  return [
    ...validateVolumes(listAt(spec, 'volumes'), `${at}.volumes`),
    ...validateResourceClaims(spec, at),
    ...validateContainers(spec, around),
    ...validateInitContainers(spec, around),
    ...validateEphemeralContainers(spec, around),
    ...validateResources(objectAt(spec, 'resources'), `${at}.resources`, undefined),
    ...validateHostNetworkPorts(spec, at, at === 'spec'),
    ...validateWords(spec, at),
    ...validateDNS(spec, at),
    ...validateLabels(fieldAt(spec, 'nodeSelector'), `${at}.nodeSelector`),
    ...validatePodSecurity(spec, at),
    ...validateSysctls(spec, at),
    ...validateAffinity(fieldAt(spec, 'affinity'), `${at}.affinity`),
    ...validateGates(spec, at),
    ...validateSpread(listAt(spec, 'topologySpreadConstraints'), `${at}.topologySpreadConstraints`),
    ...validateNames(spec, at),
    ...validateTolerations(listAt(spec, 'tolerations'), `${at}.tolerations`),
    ...validateHostAliases(spec, at),
    ...Object.entries(objectAt(spec, 'overhead')).flatMap(([name, value]) =>
      validateAmount(name, value, `${at}.overhead.limits[${name}]`),
    ),
  ];
}

function surroundingsOf(spec: unknown, at: string, addedVolumes: readonly string[]): Surroundings {
  const grace = fieldAt(spec, 'terminationGracePeriodSeconds');
  return {
    at,
    volumes: new Map([
      ...addedVolumes.map((name) => [name, { name, persistentVolumeClaim: {} }] as const),
      ...listAt(spec, 'volumes').map((volume) => [stringAt(volume, 'name'), volume] as const),
    ]),
    claims: new Set(listAt(spec, 'resourceClaims').map((claim) => stringAt(claim, 'name'))),
    restartPolicy: stringAt(spec, 'restartPolicy'),
    graceSeconds: typeof grace === 'number' ? grace : DEFAULT_GRACE_SECONDS,
    isUserNamespaced: fieldAt(spec, 'hostUsers') === false,
  };
}

function validateWords(spec: unknown, at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const restartPolicy = stringAt(spec, 'restartPolicy');
  if (restartPolicy !== '' && !RESTART_POLICIES.some((known) => known === restartPolicy))
    errors.push(unsupportedField(`${at}.restartPolicy`, restartPolicy, RESTART_POLICIES));
  const preemption = fieldAt(spec, 'preemptionPolicy');
  if (preemption === '') errors.push(requiredField(`${at}.preemptionPolicy`));
  else if (preemption !== undefined && !PREEMPTION_POLICIES.some((known) => known === preemption))
    errors.push(unsupportedField(`${at}.preemptionPolicy`, preemption, PREEMPTION_POLICIES));
  const deadline = fieldAt(spec, 'activeDeadlineSeconds');
  if (typeof deadline === 'number' && !(deadline >= 1 && deadline <= DEADLINE_MAXIMUM_SECONDS)) {
    const why = `must be between 1 and ${DEADLINE_MAXIMUM_SECONDS}, inclusive`;
    errors.push(invalidField(`${at}.activeDeadlineSeconds`, deadline, why));
  }
  return errors;
}

/** Names of other things, and of the Pod in DNS. */
function validateNames(spec: unknown, at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const field of [
    'serviceAccountName',
    'nodeName',
    'priorityClassName',
    'runtimeClassName',
  ] as const) {
    const name = fieldAt(spec, field);
    if (typeof name !== 'string' || (name === '' && field !== 'runtimeClassName')) continue;
    errors.push(...invalidFields(`${at}.${field}`, name, checkDNSSubdomain(name)));
  }
  for (const field of ['hostname', 'subdomain'] as const) {
    const name = stringAt(spec, field);
    if (name !== '') errors.push(...invalidFields(`${at}.${field}`, name, checkDNSLabel(name)));
  }
  return errors;
}

function validateGates(spec: unknown, at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, gate] of listAt(spec, 'readinessGates').entries()) {
    const type = stringAt(gate, 'conditionType');
    const field = `${at}.readinessGates[${index}].conditionType`;
    errors.push(...invalidFields(field, type, qualifiedNameProblems(type)));
  }
  const names = new Set<string>();
  for (const [index, gate] of listAt(spec, 'schedulingGates').entries()) {
    const name = stringAt(gate, 'name');
    const field = `${at}.schedulingGates[${index}]`;
    errors.push(...invalidFields(field, name, qualifiedNameProblems(name)));
    if (names.has(name)) errors.push(duplicateField(field, name));
    names.add(name);
  }
  if (names.size > 0 && stringAt(spec, 'nodeName') !== '') {
    const why = 'cannot be set until all schedulingGates have been cleared';
    errors.push(forbiddenField(`${at}.nodeName`, why));
  }
  return errors;
}

function validateHostAliases(spec: unknown, at: string): readonly FieldError[] {
  return listAt(spec, 'hostAliases').flatMap((alias, index) => {
    const field = `${at}.hostAliases[${index}]`;
    const ip = stringAt(alias, 'ip');
    return [
      ...invalidFields(`${field}.ip`, ip, checkIPAddress(ip)),
      ...listAt(alias, 'hostnames').flatMap((name, place) =>
        invalidFields(`${field}.hostnames[${place}]`, name, checkDNSSubdomain(String(name))),
      ),
    ];
  });
}

function validateResourceClaims(spec: unknown, at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, claim] of listAt(spec, 'resourceClaims').entries()) {
    const field = `${at}.resourceClaims[${index}]`;
    const name = stringAt(claim, 'name');
    if (name === '') errors.push(requiredField(`${field}.name`));
    else errors.push(...invalidFields(`${field}.name`, name, checkDNSLabel(name)));
    if (name !== '' && names.has(name)) errors.push(duplicateField(`${field}.name`, name));
    names.add(name);
    const sources = ['resourceClaimName', 'resourceClaimTemplateName'] as const;
    const given = sources.filter((source) => fieldAt(claim, source) !== undefined);
    if (given.length > 1) {
      const why =
        'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
      errors.push(invalidField(field, claim, why));
    }
    if (given.length === 0) {
      const why = 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`';
      errors.push(invalidField(field, claim, why));
    }
    for (const source of given) {
      const of = stringAt(claim, source);
      errors.push(...invalidFields(`${field}.${source}`, of, checkDNSSubdomain(of)));
    }
  }
  return errors;
}
