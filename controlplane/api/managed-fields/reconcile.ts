// Schemas change while objects stay: a list or struct that has become atomic since its fields were recorded is owned as one by
// whoever owned a part of it.
import type { Schema } from '../schema/schema.ts';
import { isEmpty, isMember, LEAF, SELF } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { itemSchema, propertyOf } from './shape.ts';

/** The set as it is to be read by `schema`; the same one when nothing has changed, as nearly always. */
export function reconcileFields(schema: Schema, fields: FieldSet): FieldSet {
  return reconcileBelow(schema, fields);
}

function reconcileBelow(schema: Schema, node: FieldSet): FieldSet {
  let out: Record<string, FieldSet> | undefined;
  for (const element in node) {
    if (element === SELF) continue;
    const below = node[element] as FieldSet;
    if (isEmpty(below)) continue;
    const child = childSchema(schema, element);
    if (child === undefined) continue;
    const reconciled = isAtomic(child) ? LEAF : reconcileBelow(child, below);
    if (reconciled !== below) (out ??= { ...node })[element] = reconciled;
  }
  return out ?? node;
}

function isAtomic(schema: Schema): boolean {
  switch (schema.type) {
    case 'object':
      return schema.mapType === 'atomic';
    case 'array':
      return schema.listType !== 'set' && schema.listType !== 'map';
    default:
      // Scalars have nothing below them; what lies below a value that no schema describes is taken as it is.
      return schema.type === 'any' && schema.component !== undefined;
  }
}

/** Undefined where the schema says nothing. */
function childSchema(schema: Schema, element: string): Schema | undefined {
  if (element.startsWith('f:')) {
    return propertyOf(schema, element.slice(2))?.schema ?? schema.additionalProperties;
  }
  return schema.type === 'array' ? itemSchema(schema) : undefined;
}

/** With each struct field that has members below it as a member too: structs come and go with what is in them. */
export function withNamedFields(schema: Schema, fields: FieldSet): FieldSet {
  const out: Record<string, FieldSet> = {};
  for (const element in fields) {
    const node = fields[element] as FieldSet;
    if (element === SELF || isEmpty(node)) {
      out[element] = node;
      continue;
    }
    const child = childSchema(schema, element);
    const below = child === undefined ? node : withNamedFields(child, node);
    const isNamed = element.startsWith('f:') && propertyOf(schema, element.slice(2)) !== undefined;
    out[element] = isNamed && !isMember(below) ? { [SELF]: LEAF, ...below } : below;
  }
  return out;
}
