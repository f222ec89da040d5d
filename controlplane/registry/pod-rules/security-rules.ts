// securityContext of Pods and containers: numbers of users, profiles, and what excludes each other.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  forbiddenField,
  invalidField,
  invalidFields,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, isObject, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { checkDNSSubdomain } from '#controlplane/api/names.ts';
import { validateInnerPath } from './path-rules.ts';

const MAXIMUM_ID = 2_147_483_647;
const PROFILES = ['Localhost', 'RuntimeDefault', 'Unconfined'] as const;
const PROC_MOUNTS = ['Default', 'Unmasked'] as const;
const GROUP_CHANGES = ['Always', 'OnRootMismatch'] as const;
/** What a Pod can share with its machine, and how upstream names it. */
const SHARED = [
  ['hostNetwork', 'hostNetwork'],
  ['hostPID', 'HostPID'],
  ['hostIPC', 'HostIPC'],
] as const;
const GROUP_POLICIES = ['Merge', 'Strict'] as const;

function validateID(value: unknown, field: string): readonly FieldError[] {
  if (typeof value !== 'number' || (value >= 0 && value <= MAXIMUM_ID)) return [];
  return [invalidField(field, value, `must be between 0 and ${MAXIMUM_ID}, inclusive`)];
}

function validateOneOf(
  value: unknown,
  field: string,
  known: readonly string[],
): readonly FieldError[] {
  if (value === undefined || known.some((one) => one === value)) return [];
  return [unsupportedField(field, value, known)];
}

function validateSeccomp(profile: unknown, field: string): readonly FieldError[] {
  if (!isObject(profile)) return [];
  const type = stringAt(profile, 'type');
  const localhost = profile['localhostProfile'];
  const at = `${field}.localhostProfile`;
  const errors: FieldError[] = [];
  if (type === 'Localhost') {
    if (typeof localhost !== 'string')
      errors.push(requiredField(at, 'must be set when seccomp type is Localhost'));
    else errors.push(...validateInnerPath(localhost, at));
  } else if (localhost !== undefined)
    errors.push(invalidField(at, profile, 'can only be set when seccomp type is Localhost'));
  if (type === '')
    errors.push(requiredField(`${field}.type`, 'type is required when seccompProfile is set'));
  else errors.push(...validateOneOf(type, `${field}.type`, PROFILES));
  return errors;
}

function validateAppArmor(profile: unknown, field: string): readonly FieldError[] {
  if (!isObject(profile)) return [];
  const type = stringAt(profile, 'type');
  const localhost = profile['localhostProfile'];
  const at = `${field}.localhostProfile`;
  const isLocal = type === 'Localhost';
  if (isLocal && localhost === undefined)
    return [requiredField(at, 'must be set when AppArmor type is Localhost')];
  if (isLocal && String(localhost).trim() !== localhost)
    return [invalidField(at, localhost, 'must not be padded with whitespace')];
  if (isLocal && localhost === '')
    return [requiredField(at, 'must be set when AppArmor type is Localhost')];
  if (!isLocal && localhost !== undefined)
    return [invalidField(at, localhost, 'can only be set when AppArmor type is Localhost')];
  if (type === '')
    return [requiredField(`${field}.type`, 'type is required when appArmorProfile is set')];
  return validateOneOf(type, `${field}.type`, PROFILES);
}

function validateWindows(options: unknown, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const credentials = fieldAt(options, 'gmsaCredentialSpecName');
  if (typeof credentials === 'string')
    errors.push(
      ...invalidFields(
        `${field}.gmsaCredentialSpecName`,
        credentials,
        checkDNSSubdomain(credentials),
      ),
    );
  if (fieldAt(options, 'gmsaCredentialSpec') === '')
    errors.push(
      invalidField(
        `${field}.gmsaCredentialSpec`,
        '',
        'gmsaCredentialSpec cannot be an empty string',
      ),
    );
  if (fieldAt(options, 'runAsUserName') === '')
    errors.push(
      invalidField(`${field}.runAsUserName`, '', 'runAsUserName cannot be an empty string'),
    );
  return errors;
}

/** @param isUserNamespaced the Pod has users of its own (`hostUsers: false`) */
export function validateContainerSecurity(
  context: unknown,
  field: string,
  isUserNamespaced: boolean,
): readonly FieldError[] {
  if (!isObject(context)) return [];
  const errors: FieldError[] = [];
  for (const name of ['runAsUser', 'runAsGroup'] as const)
    errors.push(...validateID(context[name], `${field}.${name}`));
  const { procMount } = context;
  errors.push(...validateOneOf(procMount, `${field}.procMount`, PROC_MOUNTS));
  if (procMount === 'Unmasked' && !isUserNamespaced) {
    const why = '`hostUsers` must be false to use `Unmasked`';
    errors.push(invalidField(`${field}.procMount`, procMount, why));
  }
  errors.push(...validateSeccomp(context['seccompProfile'], `${field}.seccompProfile`));
  if (context['allowPrivilegeEscalation'] === false) {
    const forbids = 'cannot set `allowPrivilegeEscalation` to false and';
    if (context['privileged'] === true)
      errors.push(invalidField(field, context, `${forbids} \`privileged\` to true`));
    if (listAt(context, 'capabilities', 'add').includes('CAP_SYS_ADMIN'))
      errors.push(invalidField(field, context, `${forbids} \`capabilities.Add\` CAP_SYS_ADMIN`));
  }
  errors.push(...validateWindows(context['windowsOptions'], `${field}.windowsOptions`));
  errors.push(...validateAppArmor(context['appArmorProfile'], `${field}.appArmorProfile`));
  return errors;
}

/** @param at where the PodSpec stands */
export function validatePodSecurity(spec: unknown, at: string): readonly FieldError[] {
  const field = `${at}.securityContext`;
  const context = objectAt(spec, 'securityContext');
  const errors: FieldError[] = [];
  for (const name of ['fsGroup', 'runAsUser', 'runAsGroup'] as const)
    errors.push(...validateID(context[name], `${field}.${name}`));
  for (const [index, group] of listAt(context, 'supplementalGroups').entries())
    errors.push(...validateID(group, `${field}.supplementalGroups[${index}]`));
  errors.push(
    ...validateOneOf(context['fsGroupChangePolicy'], `${field}.fsGroupChangePolicy`, GROUP_CHANGES),
    ...validateOneOf(
      context['supplementalGroupsPolicy'],
      `${field}.supplementalGroupsPolicy`,
      GROUP_POLICIES,
    ),
    ...validateSeccomp(context['seccompProfile'], `${field}.seccompProfile`),
    ...validateWindows(context['windowsOptions'], `${field}.windowsOptions`),
    ...validateAppArmor(context['appArmorProfile'], `${field}.appArmorProfile`),
  );
  const { hostPID, shareProcessNamespace, hostUsers } = objectAt(spec);
  if (hostPID === true && shareProcessNamespace === true) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled';
    errors.push(invalidField(`${field}.shareProcessNamespace`, true, why));
  }
  if (hostUsers === false) {
    for (const [name, shown] of SHARED)
      if (fieldAt(spec, name) === true)
        errors.push(forbiddenField(`${at}.${shown}`, 'when `hostUsers` is false'));
  }
  return [...errors, ...validateHostProcesses(spec, at), ...validateSystem(spec, at)];
}

function validateHostProcesses(spec: unknown, at: string): readonly FieldError[] {
  const wants = (part: unknown): boolean =>
    fieldAt(part, 'securityContext', 'windowsOptions', 'hostProcess') === true;
  const isOne =
    wants(spec) ||
    [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')].some((part) => wants(part));
  if (!isOne || fieldAt(spec, 'hostNetwork') === true) return [];
  const why = 'hostNetwork must be true if pod contains any hostProcess containers';
  return [invalidField(`${at}.hostNetwork`, false, why)];
}

/** What one operating system cannot do for the other's Pods. */
const NOT_ON_WINDOWS: readonly string[] = [
  'hostPID',
  'hostIPC',
  'hostUsers',
  'securityContext.appArmorProfile',
  'securityContext.seLinuxOptions',
  'securityContext.seccompProfile',
  'securityContext.fsGroup',
  'securityContext.fsGroupChangePolicy',
  'securityContext.sysctls',
  'shareProcessNamespace',
  'securityContext.runAsUser',
  'securityContext.runAsGroup',
  'securityContext.supplementalGroups',
  'securityContext.supplementalGroupsPolicy',
];

function validateSystem(spec: unknown, at: string): readonly FieldError[] {
  if (fieldAt(spec, 'os') === undefined) return [];
  const name = stringAt(spec, 'os', 'name');
  if (name === '') return [requiredField(`${at}.os.name`)];
  if (name === 'linux') {
    return fieldAt(spec, 'securityContext', 'windowsOptions') === undefined
      ? []
      : [
          forbiddenField(
            `${at}.securityContext.windowsOptions`,
            'windows options cannot be set for a linux pod',
          ),
        ];
  }
  if (name !== 'windows') return [unsupportedField(`${at}.os`, name, ['linux', 'windows'])];
  return NOT_ON_WINDOWS.filter((path) => {
    const value = fieldAt(spec, ...path.split('.'));
    return value !== undefined && value !== false;
  }).map((path) => forbiddenField(`${at}.${path}`, 'cannot be set for a windows pod'));
}
