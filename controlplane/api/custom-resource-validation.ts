// What a CustomResourceDefinition must keep to before its kinds are served: rules and messages after upstream's
// apiextensions validation. Rules between an old and a new definition, and against other kinds, are the registry's.
import { checkRules } from './cel/load.ts';
import { validateConversion } from './conversion-validation.ts';
import type { FieldError } from './errors.ts';
import { duplicateField, invalidField, requiredField, unsupportedField } from './field-errors.ts';
import { fieldAt, isObject, listAt, objectAt, stringAt } from './fields.ts';
import { checkDNS1035Label, checkDNSLabel, checkDNSSubdomain } from './names.ts';
import type { KubernetesObject } from './object.ts';
import { equalJson } from './schema/json-value.ts';
import { columnTypes } from './custom-resource-columns.ts';
import { jsonPathProblem } from './schema/json-path.ts';
import { compileStructural } from './schema/structural.ts';

const SCOPES = ['Cluster', 'Namespaced'];
const SELECTABLE_LIMIT = 8;
const WARNING_LIMIT = 256;
const FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

/**
 * Everything that is wrong, in document order. Expects defaults (singular, listKind) to be filled in.
 *
 * @param old what an update changes: rules of schemas that it keeps were taken before, and are not asked again what they may cost
 */
export function validateCustomResourceDefinition(
  crd: KubernetesObject,
  old?: KubernetesObject,
): FieldError[] {
  const errors: FieldError[] = [];
  const group = stringAt(crd, 'spec', 'group');
  const plural = stringAt(crd, 'spec', 'names', 'plural');
  const expected = `${plural}.${group}`;
  if (crd.metadata.name !== expected) {
    const detail = 'must be spec.names.plural+"."+spec.group';
    errors.push(invalidField('metadata.name', crd.metadata.name ?? '', detail));
  }
  checkGroup(group, errors);
  checkNames(objectAt(crd, 'spec', 'names'), errors);
  const scope = stringAt(crd, 'spec', 'scope');
  if (scope === '') errors.push(requiredField('spec.scope'));
  else if (!SCOPES.includes(scope)) errors.push(unsupportedField('spec.scope', scope, SCOPES));
  errors.push(...validateConversion(fieldAt(crd, 'spec', 'conversion')));
  if (fieldAt(crd, 'spec', 'preserveUnknownFields') === true) {
    const detail =
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
    errors.push(invalidField('spec.preserveUnknownFields', true, detail));
  }
  const kept = listAt(old, 'spec', 'versions').map(schemaOf);
  checkVersions(listAt(crd, 'spec', 'versions'), kept, errors);
  return errors;
}

function checkGroup(group: string, errors: FieldError[]): void {
  if (group === '') {
    errors.push(requiredField('spec.group'));
    return;
  }
  const wrong = checkDNSSubdomain(group);
  if (wrong !== undefined) errors.push(invalidField('spec.group', group, wrong));
  else if (!group.includes('.')) {
    errors.push(invalidField('spec.group', group, 'should be a domain with at least one dot'));
  }
}

function checkNames(names: Readonly<Record<string, unknown>>, errors: FieldError[]): void {
  const path = 'spec.names';
  const plural = stringAt(names, 'plural');
  const singular = stringAt(names, 'singular');
  const kind = stringAt(names, 'kind');
  const listKind = stringAt(names, 'listKind');
  checkResourceName(`${path}.plural`, plural, true, errors);
  checkResourceName(`${path}.singular`, singular, false, errors);
  checkKind(`${path}.kind`, kind, true, errors);
  checkKind(`${path}.listKind`, listKind, false, errors);
  if (kind !== '' && kind === listKind) {
    const detail = 'kind and listKind may not be the same';
    errors.push(invalidField(`${path}.listKind`, listKind, detail));
  }
  for (const field of ['shortNames', 'categories']) {
    for (const [at, name] of listAt(names, field).entries()) {
      checkResourceName(`${path}.${field}[${at}]`, String(name), true, errors);
    }
  }
}

function checkResourceName(
  path: string,
  name: string,
  isRequired: boolean,
  errors: FieldError[],
): void {
  if (name === '') {
    if (isRequired) errors.push(requiredField(path));
    return;
  }
  const wrong = checkDNS1035Label(name);
  if (wrong !== undefined) errors.push(invalidField(path, name, wrong));
}

/** May have mixed case, and is a DNS-1035 label apart from that. */
function checkKind(path: string, kind: string, isRequired: boolean, errors: FieldError[]): void {
  if (kind === '') {
    if (isRequired) errors.push(requiredField(path));
    return;
  }
  const wrong = checkDNS1035Label(kind.toLowerCase());
  if (wrong !== undefined) {
    errors.push(
      invalidField(path, kind, `may have mixed case, but should otherwise match: ${wrong}`),
    );
  }
}

function schemaOf(version: unknown): unknown {
  return fieldAt(version, 'schema', 'openAPIV3Schema');
}

function checkVersions(
  versions: readonly unknown[],
  kept: readonly unknown[],
  errors: FieldError[],
): void {
  if (versions.length === 0) {
    errors.push(requiredField('spec.versions', 'must have at least one version'));
    return;
  }
  const seen = new Set<string>();
  for (const [at, version] of versions.entries()) {
    const path = `spec.versions[${at}]`;
    const name = stringAt(version, 'name');
    const wrong = name === '' ? undefined : checkDNSLabel(name);
    if (name === '') errors.push(requiredField(`${path}.name`));
    else if (wrong !== undefined) errors.push(invalidField(`${path}.name`, name, wrong));
    else if (seen.has(name)) errors.push(duplicateField(`${path}.name`, name));
    if (!isObject(schemaOf(version))) {
      errors.push(requiredField(`${path}.schema.openAPIV3Schema`, 'schemas are required'));
    }
    seen.add(name);
    checkDeprecation(version, `${path}.deprecationWarning`, errors);
    checkVersion(version, (field) => placeOf(versions, at, field), kept, errors);
  }
  const storage = versions.filter((version) => fieldAt(version, 'storage') === true);
  if (storage.length !== 1) {
    const names = versions.map((version) => stringAt(version, 'name'));
    const detail = 'must have exactly one version marked as storage version';
    errors.push(invalidField('spec.versions', names, detail));
  }
}

type VersionField = 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields';

/**
 * What errors call a field of a version. What all versions have alike is checked once, and is called by where older definitions had it,
 * as upstream does; undefined where that was done already.
 */
function placeOf(
  versions: readonly unknown[],
  at: number,
  field: VersionField,
): string | undefined {
  const [first, ...others] = versions.map((version) => fieldAt(version, field));
  if (!others.every((other) => equalJson(other, first))) return `spec.versions[${at}].${field}`;
  if (at > 0) return undefined;
  return `spec.${field === 'schema' ? 'validation' : field}`;
}

function checkVersion(
  version: unknown,
  place: (field: VersionField) => string | undefined,
  kept: readonly unknown[],
  errors: FieldError[],
): void {
  const source = schemaOf(version);
  const inSchema = place('schema');
  let isSound = isObject(source) && inSchema === undefined;
  if (isObject(source) && inSchema !== undefined) {
    const at = `${inSchema}.openAPIV3Schema`;
    const compiled = compileStructural(source, at);
    isSound = 'schema' in compiled;
    if (!('schema' in compiled)) errors.push(...compiled);
    else if (!kept.some((schema) => equalJson(schema, source)))
      errors.push(...checkRules(compiled.schema, at));
  }
  const inSubresources = place('subresources');
  if (inSubresources !== undefined) {
    checkScale(fieldAt(version, 'subresources', 'scale'), `${inSubresources}.scale`, errors);
  }
  const inColumns = place('additionalPrinterColumns');
  if (inColumns !== undefined) {
    for (const [index, column] of listAt(version, 'additionalPrinterColumns').entries()) {
      checkColumn(column, `${inColumns}[${index}]`, errors);
    }
  }
  const path = place('selectableFields');
  if (path !== undefined)
    checkSelectableFields(version, path, isSound ? source : undefined, errors);
}

/** @param source the schema, where it is sound */
function checkSelectableFields(
  version: unknown,
  path: string,
  source: unknown,
  errors: FieldError[],
): void {
  const fields = listAt(version, 'selectableFields');
  if (fields.length > SELECTABLE_LIMIT) {
    errors.push({
      reason: 'FieldValueTooMany',
      field: path,
      message: `Too many: ${fields.length}: must have at most ${SELECTABLE_LIMIT} items`,
    });
  }
  const seen = new Set<string>();
  for (const [index, field] of fields.entries()) {
    const where = `${path}[${index}].jsonPath`;
    const text = stringAt(field, 'jsonPath');
    if (seen.has(text)) errors.push(duplicateField(where, text));
    else if (checkPath(text, where, errors) && isObject(source)) {
      checkSelectable(source, text, where, errors);
    }
    seen.add(text);
  }
}

function checkDeprecation(version: unknown, path: string, errors: FieldError[]): void {
  const warning = fieldAt(version, 'deprecationWarning');
  if (typeof warning !== 'string') return;
  if (fieldAt(version, 'deprecated') !== true) {
    errors.push(invalidField(path, warning, 'can only be set for deprecated versions'));
  }
  if (warning.length > WARNING_LIMIT) {
    const detail = `must be <= ${WARNING_LIMIT} characters long`;
    errors.push(invalidField(path, warning, detail));
  }
  if (warning === '') errors.push(invalidField(path, warning, 'must not be an empty string'));
  const unprintable = warning.search(/\p{C}/u);
  if (unprintable >= 0) {
    const detail = `must only contain printable UTF-8 characters; non-printable character found at index ${unprintable}`;
    errors.push(invalidField(path, warning, detail));
  }
}

/** Selectors compare texts: what a path leads to must have one. */
function checkSelectable(source: unknown, text: string, path: string, errors: FieldError[]): void {
  if (text.includes('[')) {
    errors.push(invalidField(path, text, 'is an invalid path: array notation is not allowed'));
    return;
  }
  let schema = source;
  for (const name of text.split('.').slice(1)) schema = fieldAt(schema, 'properties', name);
  if (schema === undefined || text.startsWith('.metadata')) {
    errors.push(invalidField(path, text, 'is an invalid path: does not refer to a valid field'));
  } else if (!['string', 'boolean', 'integer'].includes(stringAt(schema, 'type'))) {
    const detail =
      'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
    errors.push(invalidField(path, text, detail));
  }
}

function checkPath(text: string, path: string, errors: FieldError[]): boolean {
  if (text === '') {
    errors.push(requiredField(path));
    return false;
  }
  const wrong = jsonPathProblem(text);
  if (wrong !== undefined) errors.push(invalidField(path, text, wrong));
  return wrong === undefined;
}

function checkColumn(column: unknown, path: string, errors: FieldError[]): void {
  if (stringAt(column, 'name') === '') errors.push(requiredField(`${path}.name`));
  const type = stringAt(column, 'type');
  if (type === '') errors.push(requiredField(`${path}.type`));
  else if (!columnTypes.some((known) => known === type)) {
    errors.push(unsupportedField(`${path}.type`, type, columnTypes));
  }
  const format = stringAt(column, 'format');
  if (format !== '' && !FORMATS.includes(format)) {
    errors.push(invalidField(`${path}.format`, format, `must be one of ${FORMATS.join(',')}`));
  }
  checkPath(stringAt(column, 'jsonPath'), `${path}.jsonPath`, errors);
}

/** Scale paths are plain fields under `.spec` or `.status`: they are written to as well as read. */
function checkScale(scale: unknown, path: string, errors: FieldError[]): void {
  if (!isObject(scale)) return;
  const rules: readonly [string, readonly string[], boolean][] = [
    ['specReplicasPath', ['.spec.'], true],
    ['statusReplicasPath', ['.status.'], true],
    ['labelSelectorPath', ['.spec.', '.status.'], false],
  ];
  for (const [field, prefixes, isRequired] of rules) {
    const text = stringAt(scale, field);
    const at = `${path}.${field}`;
    if (text === '') {
      if (isRequired) errors.push(requiredField(at));
    } else if (!prefixes.some((prefix) => text.startsWith(prefix))) {
      const list = prefixes.map((prefix) => prefix.slice(0, -1)).join(' or ');
      errors.push(invalidField(at, text, `should be a json path under ${list}`));
    } else if (text.includes('[')) {
      errors.push(invalidField(at, text, 'should be a json path of fields only'));
    } else checkPath(text, at, errors);
  }
}
