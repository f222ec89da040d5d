// Which schemas have rules at all: the others cost one look-up.
import type { Schema } from '../schema/schema.ts';

const known = new WeakMap<Schema, boolean>();

/** Whether there are rules in a schema of a custom resource, at any depth. */
export function hasRules(schema: Schema): boolean {
  let answer = known.get(schema);
  if (answer === undefined) {
    answer =
      (schema.validations?.length ?? 0) > 0 ||
      (schema.items !== undefined && hasRules(schema.items)) ||
      (schema.additionalProperties !== undefined && hasRules(schema.additionalProperties)) ||
      Object.values(schema.properties ?? {}).some((property) => hasRules(property.schema));
    known.set(schema, answer);
  }
  return answer;
}
