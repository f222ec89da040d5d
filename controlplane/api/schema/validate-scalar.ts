// The rules of one string or number, with the messages that upstream's OpenAPI validation gives.
import type { FieldError } from '../errors.ts';
import { invalidField, tooLongField, typeInvalidField } from '../field-errors.ts';
import { matchesFormat } from './formats.ts';
import { compilePattern } from './pattern.ts';
import type { Schema } from './schema.ts';

/** How messages name the field in front of `in body`. */
export function inBody(path: string, rest: string): string {
  return `${path === '<nil>' ? '' : path} in body ${rest}`;
}

/** Length in characters (code points), as JSON Schema counts. Counts only when the answer is not plain from `length`. */
function characters(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length - 1; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit >= 0xd800 && unit < 0xdc00) {
      count -= 1;
      at += 1;
    }
  }
  return count;
}

export function checkString(
  schema: Schema,
  value: string,
  path: string,
  errors: FieldError[],
): void {
  const { minLength, maxLength, pattern, format } = schema;
  if (maxLength !== undefined && value.length > maxLength && characters(value) > maxLength) {
    errors.push(tooLongField(path, maxLength));
    // A value that is far too long is not worth matching.
    return;
  }
  if (minLength !== undefined && characters(value) < minLength) {
    errors.push(
      invalidField(path, value, inBody(path, `should be at least ${minLength} chars long`)),
    );
  }
  if (pattern !== undefined && !compilePattern(pattern).test(value)) {
    errors.push(invalidField(path, value, inBody(path, `should match '${pattern}'`)));
  }
  if (format !== undefined && !matchesFormat(format, value)) {
    errors.push(
      typeInvalidField(
        path,
        value,
        inBody(path, `must be of type ${format}: ${JSON.stringify(value)}`),
      ),
    );
  }
}

const integerRanges: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  // The upper bound itself does not fit; a double cannot tell 2^63-1 from 2^63.
  int64: [-(2 ** 63), 2 ** 63],
};

export function checkNumber(
  schema: Schema,
  value: number,
  path: string,
  errors: FieldError[],
): void {
  const fail = (rest: string): void => {
    errors.push(invalidField(path, value, inBody(path, rest)));
  };
  if (schema.isBuiltin === true) {
    const rest = outOfBounds(value, schema);
    if (rest !== undefined) errors.push(invalidField(path, value, rest));
    return;
  }
  const { minimum, maximum, multipleOf, format } = schema;
  const range = format === undefined ? undefined : integerRanges[format];
  if (range !== undefined && (value < range[0] || value > range[1])) {
    fail(`must be of type ${format ?? ''}: "number"`);
  }
  if (maximum !== undefined) {
    if (schema.exclusiveMaximum === true) {
      if (value >= maximum) fail(`should be less than ${maximum}`);
    } else if (value > maximum) fail(`should be less than or equal to ${maximum}`);
  }
  if (minimum !== undefined) {
    if (schema.exclusiveMinimum === true) {
      if (value <= minimum) fail(`should be greater than ${minimum}`);
    } else if (value < minimum) fail(`should be greater than or equal to ${minimum}`);
  }
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
    fail(`should be a multiple of ${multipleOf}`);
  }
}

/** What upstream's own rules say of a number that a built-in field does not take; undefined for one that it does. */
function outOfBounds(value: number, { minimum, maximum }: Schema): string | undefined {
  if (!(value < (minimum ?? -Infinity) || value > (maximum ?? Infinity))) return undefined;
  if (maximum === 0o777) return 'must be a number between 0 and 0777 (octal), both inclusive';
  if (maximum !== undefined) return `must be between ${minimum ?? 0} and ${maximum}, inclusive`;
  return minimum === 1 ? 'must be greater than 0' : `must be greater than or equal to ${minimum}`;
}

/** 0.3 is a multiple of 0.1 although 0.3 / 0.1 is not whole in doubles. */
function isMultiple(value: number, factor: number): boolean {
  const quotient = value / factor;
  return Math.abs(quotient - Math.round(quotient)) <= Math.abs(quotient) * Number.EPSILON;
}
