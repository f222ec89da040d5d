// What variables and files may read of the Pod itself: a field of it, or an amount of a container's resources.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  invalidField,
  invalidFields,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { stringAt } from '#controlplane/api/fields.ts';
import { checkQualifiedName, qualifiedNameProblems } from '#controlplane/api/names.ts';
import { canonicalQuantity } from '#platform/quantity.ts';

/** All that a field path may name at all. */
const KNOWN: ReadonlySet<string> = new Set([
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.hostname',
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.phase',
  'status.podIP',
  'status.podIPs',
]);

export const FIELDS_OF_VARIABLES = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
] as const;

export const FIELDS_OF_FILES = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
] as const;

const AMOUNTS = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
] as const;

const HUGE_PAGES = /^(requests|limits)\.hugepages-/;
const CPU_UNITS = new Set(['0', '1m', '1']);
const BYTE_UNITS_TEXT = '1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei';
const BYTE_UNITS = new Set(['0', ...BYTE_UNITS_TEXT.split(', ')]);

const SUBSCRIPT = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/s;

/** @param allowed what the path may be */
export function validateFieldReference(
  reference: unknown,
  field: string,
  allowed: readonly string[],
): readonly FieldError[] {
  const path = stringAt(reference, 'fieldPath');
  const version = stringAt(reference, 'apiVersion');
  if (version === '') return [requiredField(`${field}.apiVersion`)];
  if (path === '') return [requiredField(`${field}.fieldPath`)];
  const [, map = '', key = ''] = SUBSCRIPT.exec(path) ?? [];
  if (map === 'metadata.annotations')
    return invalidFields(field, key, checkQualifiedName(key.toLowerCase()));
  if (map === 'metadata.labels') return invalidFields(field, key, qualifiedNameProblems(key));
  if (version !== 'v1') {
    const why = `error converting fieldPath: unsupported pod version: ${version}`;
    return [invalidField(`${field}.fieldPath`, path, why)];
  }
  if (!KNOWN.has(path)) {
    const why = `error converting fieldPath: field label not supported: ${path}`;
    return [invalidField(`${field}.fieldPath`, path, why)];
  }
  return allowed.includes(path) ? [] : [unsupportedField(`${field}.fieldPath`, path, allowed)];
}

/** @param needsContainer in a file, which no container's own is */
export function validateAmountReference(
  reference: unknown,
  field: string,
  needsContainer: boolean,
): readonly FieldError[] {
  if (needsContainer && stringAt(reference, 'containerName') === '')
    return [requiredField(`${field}.containerName`)];
  const name = stringAt(reference, 'resource');
  if (name === '') return [requiredField(`${field}.resource`)];
  const isHugePages = HUGE_PAGES.test(name);
  if (!isHugePages && !AMOUNTS.some((known) => known === name))
    return [unsupportedField(`${field}.resource`, name, AMOUNTS)];
  const text = stringAt(reference, 'divisor') || '0';
  const divisor = canonicalQuantity(text) ?? text;
  if (name.endsWith('.cpu')) {
    const why = "only divisor's values 1m and 1 are supported with the cpu resource";
    return CPU_UNITS.has(divisor) ? [] : [invalidField(`${field}.divisor`, name, why)];
  }
  const kind = isHugePages
    ? 'hugepages'
    : name.endsWith('.memory')
      ? 'memory'
      : 'local ephemeral storage';
  const why = `only divisor's values ${BYTE_UNITS_TEXT} are supported with the ${kind} resource`;
  return BYTE_UNITS.has(divisor) ? [] : [invalidField(`${field}.divisor`, name, why)];
}
