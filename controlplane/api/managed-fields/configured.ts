// The fields that a configuration names: what its applier owns.
import { isJsonObject } from '../schema/json-value.ts';
import type { Schema } from '../schema/schema.ts';
import { isEmpty, isMember, LEAF, SELF } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { fieldElement } from './path-element.ts';
import {
  itemSchema,
  itemsByElement,
  memberSchema,
  membersOf,
  propertyOf,
  shapeOf,
} from './shape.ts';

type Nodes = Record<string, FieldSet>;

/** @param excluded fields that do not count, with all below its members */
export function configuredFields(
  schema: Schema,
  object: unknown,
  excluded: FieldSet = LEAF,
): FieldSet {
  return fieldsOf(schema, object, excluded) ?? LEAF;
}

function fieldsOf(schema: Schema, object: unknown, excluded?: FieldSet): Nodes | undefined {
  let nodes: Nodes | undefined;
  const members = membersOf(object);
  for (const name of Object.keys(members)) {
    const element = fieldElement(name);
    const skipped = excluded?.[element];
    if (skipped !== undefined && isMember(skipped)) continue;
    const value = members[name];
    const isDeclared = propertyOf(schema, name) !== undefined;
    const isBlank = value === null || (isJsonObject(value) && isEmpty(value as FieldSet));
    const node = nodeOf(memberSchema(schema, name), value, !isDeclared || isBlank, skipped);
    if (node !== undefined) (nodes ??= {})[element] = node;
  }
  return nodes;
}

/** @param isOwn whether the value itself counts as well as what is in it */
function nodeOf(
  schema: Schema,
  value: unknown,
  isOwn: boolean,
  excluded?: FieldSet,
): FieldSet | undefined {
  const shape = shapeOf(schema, value);
  if (shape === 'leaf') return LEAF;
  const below = shape === 'map' ? fieldsOf(schema, value, excluded) : itemFields(schema, value);
  if (below === undefined) return isOwn ? LEAF : undefined;
  return isOwn ? { [SELF]: LEAF, ...below } : below;
}

function itemFields(schema: Schema, list: unknown): Nodes | undefined {
  let nodes: Nodes | undefined;
  for (const [element, items] of itemsByElement(schema, list)) {
    const node = items.length > 1 ? LEAF : nodeOf(itemSchema(schema), items[0], true);
    (nodes ??= {})[element] = node ?? LEAF;
  }
  return nodes;
}
