// The keywords that limit a value and may stand anywhere in a structural schema, inside allOf, anyOf, oneOf and not too.
import { forbiddenField, invalidField } from '../field-errors.ts';
import type { KeywordReader } from './keyword-reader.ts';
import { patternProblem } from './pattern.ts';
import type { Schema } from './schema.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type ValueRules = Mutable<Omit<Partial<Schema>, 'type'>>;

/** Leaves out what is undefined, as exactOptionalPropertyTypes asks and deep comparison likes. */
export function present<T extends object>(fields: {
  [K in keyof T]: T[K] | undefined;
}): Partial<T> {
  const kept: Partial<T> = {};
  for (const key of Object.keys(fields) as (keyof T)[]) {
    const value = fields[key];
    if (value !== undefined) kept[key] = value;
  }
  return kept;
}

export function readValueRules(reader: KeywordReader): ValueRules {
  const pattern = reader.string('pattern');
  const wrong = pattern === undefined ? undefined : patternProblem(pattern);
  if (wrong !== undefined) {
    const detail = `must be a valid regular expression, but isn't: ${wrong}`;
    reader.errors.push(invalidField(reader.at('pattern'), pattern, detail));
  }
  if (reader.boolean('uniqueItems') === true) {
    reader.errors.push(
      forbiddenField(
        reader.at('uniqueItems'),
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  }
  const multipleOf = reader.number('multipleOf');
  if (multipleOf !== undefined && multipleOf <= 0) {
    reader.errors.push(invalidField(reader.at('multipleOf'), multipleOf, 'must be greater than 0'));
  }
  return present<ValueRules>({
    format: reader.string('format'),
    pattern: wrong === undefined ? pattern : undefined,
    enum: reader.list('enum'),
    required: reader.strings('required'),
    minimum: reader.number('minimum'),
    maximum: reader.number('maximum'),
    exclusiveMinimum: reader.boolean('exclusiveMinimum'),
    exclusiveMaximum: reader.boolean('exclusiveMaximum'),
    multipleOf,
    minLength: reader.count('minLength'),
    maxLength: reader.count('maxLength'),
    minItems: reader.count('minItems'),
    maxItems: reader.count('maxItems'),
    minProperties: reader.count('minProperties'),
    maxProperties: reader.count('maxProperties'),
    validations: reader.list('x-kubernetes-validations'),
  });
}
