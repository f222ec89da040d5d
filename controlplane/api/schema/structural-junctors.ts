// allOf, anyOf, oneOf and not of a structural schema: they may restrict values but not say anything about structure, so
// that pruning and defaulting never depend on which alternative holds. Every field named inside must be specified outside.
import type { FieldError } from '../errors.ts';
import { forbiddenField, requiredField, typeInvalidField } from '../field-errors.ts';
import { entryOf, equalJson, isJsonObject } from './json-value.ts';
import { KeywordReader } from './keyword-reader.ts';
import type { Property, Schema } from './schema.ts';
import { readValueRules } from './value-rules.ts';
import type { ValueRules } from './value-rules.ts';

const LISTS = ['allOf', 'anyOf', 'oneOf'] as const;

/** Upstream allows types here and only here: the spelled-out form of x-kubernetes-int-or-string. */
const INT_OR_STRING_TYPES = [{ type: 'integer' }, { type: 'string' }];

/** The junctors of the node that `reader` reads, compiled. */
export function readJunctors(reader: KeywordReader, intOrString: boolean): ValueRules {
  const rules: ValueRules = {};
  for (const keyword of LISTS) {
    const list = reader.list(keyword);
    if (list === undefined || list.length === 0) continue;
    if (intOrString && keyword === 'anyOf' && equalJson(list, INT_OR_STRING_TYPES)) continue;
    const compiled: Schema[] = [];
    for (const [at, item] of list.entries()) {
      const first = intOrString && keyword === 'allOf' && at === 0;
      if (first && equalJson(item, { anyOf: INT_OR_STRING_TYPES })) continue;
      compiled.push(compileNested(item, `${reader.at(keyword)}[${at}]`, reader.errors));
    }
    if (compiled.length > 0) rules[keyword] = compiled;
  }
  if (reader.has('not')) {
    rules.not = compileNested(reader.raw('not'), reader.at('not'), reader.errors);
  }
  return rules;
}

function compileNested(source: unknown, path: string, errors: FieldError[]): Schema {
  if (!isJsonObject(source)) {
    errors.push(typeInvalidField(path, source, 'must be an object'));
    return { type: 'any' };
  }
  const reader = new KeywordReader(source, path, errors);
  refuseStructure(reader);
  const rules: ValueRules = { ...readValueRules(reader), ...readJunctors(reader, false) };
  const properties = reader.object('properties');
  if (properties !== undefined) {
    const compiled: Record<string, Property> = Object.create(null) as Record<string, Property>;
    for (const name of Object.keys(properties)) {
      const where = `${reader.at('properties')}[${name}]`;
      compiled[name] = { schema: compileNested(properties[name], where, errors) };
    }
    rules.properties = compiled;
  }
  for (const keyword of ['items', 'additionalProperties'] as const) {
    const nested = reader.raw(keyword);
    if (isJsonObject(nested)) rules[keyword] = compileNested(nested, reader.at(keyword), errors);
  }
  // Types do not belong here, so a nested node takes any and its null passes as the outer schema decides.
  return { type: 'any', nullable: true, ...rules };
}

function refuseStructure(reader: KeywordReader): void {
  for (const keyword of ['type', 'title', 'description']) {
    if (reader.has(keyword) && reader.raw(keyword) !== '') {
      reader.errors.push(forbiddenField(reader.at(keyword), 'must be empty to be structural'));
    }
  }
  if (reader.has('default')) {
    reader.errors.push(forbiddenField(reader.at('default'), 'must be undefined to be structural'));
  }
  for (const keyword of [
    'nullable',
    'x-kubernetes-preserve-unknown-fields',
    'x-kubernetes-embedded-resource',
    'x-kubernetes-int-or-string',
  ]) {
    if (reader.raw(keyword) === true) {
      reader.errors.push(forbiddenField(reader.at(keyword), 'must be false to be structural'));
    }
  }
  for (const keyword of ['list-type', 'list-map-keys', 'map-type', 'validations']) {
    const extension = `x-kubernetes-${keyword}`;
    if (reader.has(extension)) {
      reader.errors.push(
        forbiddenField(reader.at(extension), 'must be undefined to be structural'),
      );
    }
  }
}

/** Requires that whatever the junctors of `schema` speak of is specified by `schema` itself. */
export function checkComplete(schema: Schema, path: string, errors: FieldError[]): void {
  for (const keyword of LISTS) {
    for (const [at, nested] of (schema[keyword] ?? []).entries()) {
      complete(schema, nested, path, `${keyword}[${at}]`, errors);
    }
  }
  if (schema.not !== undefined) complete(schema, schema.not, path, 'not', errors);
}

function complete(
  schema: Schema,
  nested: Schema,
  path: string,
  from: string,
  errors: FieldError[],
): void {
  const because = (rest: string): string => `because it is defined in ${from}${rest}`;
  for (const name of Object.keys(nested.properties ?? {})) {
    const inner = entryOf(nested.properties, name)?.schema;
    const outer = entryOf(schema.properties, name)?.schema ?? schema.additionalProperties;
    const where = `.properties[${name}]`;
    if (inner === undefined) continue;
    if (outer === undefined) errors.push(requiredField(`${path}${where}`, because(where)));
    else complete(outer, inner, `${path}${where}`, `${from}${where}`, errors);
  }
  for (const keyword of ['items', 'additionalProperties'] as const) {
    const inner = nested[keyword];
    const outer = schema[keyword];
    if (inner === undefined) continue;
    if (outer === undefined)
      errors.push(requiredField(`${path}.${keyword}`, because(`.${keyword}`)));
    else complete(outer, inner, `${path}.${keyword}`, `${from}.${keyword}`, errors);
  }
  for (const keyword of LISTS) {
    for (const [at, deeper] of (nested[keyword] ?? []).entries()) {
      complete(schema, deeper, path, `${from}.${keyword}[${at}]`, errors);
    }
  }
  if (nested.not !== undefined) complete(schema, nested.not, path, `${from}.not`, errors);
}
