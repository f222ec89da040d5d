// Takes a set of fields and items out of an object.
import { setField } from '../schema/json-value.ts';
import type { JsonObject } from '../schema/json-value.ts';
import type { Schema } from '../schema/schema.ts';
import { isMember } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { fieldElement } from './path-element.ts';
import { itemElement, itemSchema, itemsOf, memberSchema, membersOf, shapeOf } from './shape.ts';

/** What is left; shares with `value` what it did not touch. An object or list that loses all that was in it is null. */
export function removeFields(schema: Schema, value: unknown, fields: FieldSet): unknown {
  switch (shapeOf(schema, value)) {
    case 'map':
      return removeMembers(schema, value, fields);
    case 'list':
      return removeItems(schema, value, fields);
    case 'leaf':
      return typeof value === 'object' ? null : value;
  }
}

function removeMembers(schema: Schema, value: unknown, fields: FieldSet): JsonObject | null {
  const members = membersOf(value);
  const rest: JsonObject = {};
  let count = 0;
  for (const name of Object.keys(members)) {
    const node = fields[fieldElement(name)];
    if (node !== undefined && isMember(node)) continue;
    const kept =
      node === undefined
        ? members[name]
        : removeFields(memberSchema(schema, name), members[name], node);
    setField(rest, name, kept);
    count += 1;
  }
  return count === 0 ? null : rest;
}

function removeItems(schema: Schema, value: unknown, fields: FieldSet): unknown[] | null {
  const rest: unknown[] = [];
  for (const item of itemsOf(value)) {
    const node = fields[itemElement(schema, item)];
    if (node === undefined) rest.push(item);
    else if (!isMember(node)) rest.push(removeFields(itemSchema(schema), item, node));
  }
  return rest.length === 0 ? null : rest;
}
