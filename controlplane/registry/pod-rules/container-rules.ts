// Containers of a Pod, of all three kinds: what holds for each, and for each kind.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  duplicateField,
  forbiddenField,
  invalidFields,
  notFoundField,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { checkDNSLabel } from '#controlplane/api/names.ts';
import { validateMounts } from './mount-rules.ts';
import { validateHostPorts, validatePorts } from './port-rules.ts';
import { validateLifecycle } from './probe-rules.ts';
import { validateResizePolicy, validateResources } from './resource-rules.ts';
import { validateContainerSecurity } from './security-rules.ts';
import { validateVariables } from './variable-rules.ts';

/** What containers share. */
export interface Surroundings {
  /** `spec` */
  readonly at: string;
  readonly volumes: ReadonlyMap<string, unknown>;
  /** Names in the Pod's resourceClaims. */
  readonly claims: ReadonlySet<string>;
  readonly restartPolicy: string;
  readonly graceSeconds: number;
  readonly isUserNamespaced: boolean;
}

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'] as const;
const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError'] as const;
const RESTART_POLICIES = ['Always', 'Never', 'OnFailure'] as const;
const OF_RUNNING = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const;
const NOT_EPHEMERAL = [...OF_RUNNING, 'ports', 'resources', 'resizePolicy'] as const;

function validateCommon(container: unknown, at: string, around: Surroundings): FieldError[] {
  const errors: FieldError[] = [];
  const name = stringAt(container, 'name');
  if (name === '') errors.push(requiredField(`${at}.name`));
  else errors.push(...invalidFields(`${at}.name`, name, checkDNSLabel(name)));
  if (stringAt(container, 'image') === '') errors.push(requiredField(`${at}.image`));
  errors.push(
    ...oneOf(container, 'terminationMessagePolicy', at, MESSAGE_POLICIES),
    ...oneOf(container, 'imagePullPolicy', at, PULL_POLICIES),
    ...oneOf(container, 'restartPolicy', at, RESTART_POLICIES),
    ...validatePorts(container, at),
    ...validateVariables(container, at),
    ...validateMounts(container, at, around.volumes),
    ...validateResources(objectAt(container, 'resources'), `${at}.resources`, around.claims),
    ...validateResizePolicy(container, at, around.restartPolicy),
    ...validateContainerSecurity(
      fieldAt(container, 'securityContext'),
      `${at}.securityContext`,
      around.isUserNamespaced,
    ),
  );
  return errors;
}

function oneOf(
  container: unknown,
  name: string,
  at: string,
  known: readonly string[],
): readonly FieldError[] {
  const value = fieldAt(container, name);
  if (value === undefined || known.some((one) => one === value)) return [];
  return [unsupportedField(`${at}.${name}`, value, known)];
}

const namesOf = (containers: readonly unknown[]): string[] =>
  containers.map((container) => stringAt(container, 'name'));

/** The containers that the Pod is for. */
export function validateContainers(spec: unknown, around: Surroundings): readonly FieldError[] {
  const list = `${around.at}.containers`;
  const containers = listAt(spec, 'containers');
  if (containers.length === 0) return [requiredField(list)];
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const at = `${list}[${index}]`;
    errors.push(...validateCommon(container, at, around));
    const name = stringAt(container, 'name');
    if (name !== '' && names.has(name)) errors.push(duplicateField(`${at}.name`, name));
    names.add(name);
    errors.push(...validateLifecycle(container, at, around.graceSeconds));
  }
  return [...errors, ...validateHostPorts(containers, list)];
}

/** Those that run before, or beside where they are always restarted. */
export function validateInitContainers(spec: unknown, around: Surroundings): readonly FieldError[] {
  const list = `${around.at}.initContainers`;
  const errors: FieldError[] = [];
  const names = new Set(namesOf(listAt(spec, 'containers')));
  for (const [index, container] of listAt(spec, 'initContainers').entries()) {
    const at = `${list}[${index}]`;
    errors.push(...validateCommon(container, at, around));
    const name = stringAt(container, 'name');
    if (names.has(name)) errors.push(duplicateField(`${at}.name`, name));
    if (name !== '') names.add(name);
    errors.push(...validateHostPorts([container], list));
    if (stringAt(container, 'restartPolicy') === 'Always') {
      errors.push(...validateLifecycle(container, at, around.graceSeconds));
      continue;
    }
    const why = 'may not be set for init containers without restartPolicy=Always';
    for (const field of OF_RUNNING)
      if (fieldAt(container, field) !== undefined)
        errors.push(forbiddenField(`${at}.${field}`, why));
  }
  return errors;
}

/** Those that somebody looks into the running Pod with. */
export function validateEphemeralContainers(
  spec: unknown,
  around: Surroundings,
): readonly FieldError[] {
  const list = `${around.at}.ephemeralContainers`;
  const errors: FieldError[] = [];
  const others = new Set([
    ...namesOf(listAt(spec, 'containers')),
    ...namesOf(listAt(spec, 'initContainers')),
  ]);
  const names = new Set(others);
  for (const [index, container] of listAt(spec, 'ephemeralContainers').entries()) {
    const at = `${list}[${index}]`;
    errors.push(...validateCommon(container, at, around));
    errors.push(...validateImageOfPod(container, at));
    const name = stringAt(container, 'name');
    if (names.has(name)) errors.push(duplicateField(`${at}.name`, name));
    names.add(name);
    const target = stringAt(container, 'targetContainerName');
    if (target !== '' && !others.has(target))
      errors.push(notFoundField(`${at}.targetContainerName`, target));
    const why = 'cannot be set for an Ephemeral Container';
    for (const field of NOT_EPHEMERAL)
      if (isSet(fieldAt(container, field))) errors.push(forbiddenField(`${at}.${field}`, why));
    for (const [order, mount] of listAt(container, 'volumeMounts').entries())
      for (const field of ['subPath', 'subPathExpr'])
        if (stringAt(mount, field) !== '')
          errors.push(forbiddenField(`${at}.volumeMounts[${order}].${field}`, why));
  }
  return errors;
}

function isSet(value: unknown): boolean {
  if (value === undefined) return false;
  return Array.isArray(value) ? value.length > 0 : Object.keys(objectAt(value)).length > 0;
}

/** Not asked of templates, for the sake of old ones. */
export function validateImageOfPod(container: unknown, at: string): readonly FieldError[] {
  const image = stringAt(container, 'image');
  if (image === image.trim()) return [];
  return invalidFields(`${at}.image`, image, 'must not have leading or trailing whitespace');
}
