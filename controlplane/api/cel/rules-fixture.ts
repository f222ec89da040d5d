// For tests of this folder: what is wrong with rules, but for what they would cost, since schemas of tests bound nothing.
import type { FieldError } from '../errors.ts';
import type { Schema } from '../schema/schema.ts';
import { checkRules } from './engine.ts';

export function wrongWith(schema: Schema): readonly FieldError[] {
  return checkRules(schema, 'S').filter(
    ({ message }) => !/estimated (rule|messageExpression) cost/.test(message),
  );
}
