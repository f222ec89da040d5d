// What changed between two states of an object, as sets of fields. Absent fields of built-in types that upstream's decoder fills with
// zero values (structs, lists without omitempty) count as present, because there they are: nobody comes to own them.
import { equalJson } from '../schema/json-value.ts';
import type { Schema } from '../schema/schema.ts';
import { differenceBelow, isEmpty, isMember, LEAF, SELF } from './field-set.ts';
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

/** No field is in more than one of them. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

type Nodes = Record<string, FieldSet>;

/** The changes at a path and below it; a member is the path itself. */
type Changes = Partial<Comparison>;
type Gathered = Partial<Record<keyof Comparison, Nodes>>;

const KINDS = ['added', 'modified', 'removed'] as const;

/** @param excluded fields that are not looked at, with all below its members */
export function compare(
  schema: Schema,
  old: unknown,
  now: unknown,
  excluded: FieldSet = LEAF,
): Comparison {
  const {
    added = LEAF,
    modified = LEAF,
    removed = LEAF,
  } = compareMembers(schema, old, now, excluded) ?? {};
  return { added, modified, removed };
}

function compareMembers(
  schema: Schema,
  old: unknown,
  now: unknown,
  excluded: FieldSet | undefined,
): Changes | undefined {
  const [before, after] = [membersOf(old), membersOf(now)];
  const gathered: Gathered = {};
  let isSame = true;
  const visit = (name: string, left: unknown, right: unknown): void => {
    if (left === right) return;
    const element = fieldElement(name);
    const skipped = excluded?.[element];
    if (skipped !== undefined && isMember(skipped)) return;
    const zero = propertyOf(schema, name)?.zero;
    const changes = compareValues(
      memberSchema(schema, name),
      left === undefined ? zero : left,
      right === undefined ? zero : right,
      skipped,
    );
    if (changes === undefined) return;
    isSame = false;
    gather(gathered, element, changes);
  };
  for (const name of Object.keys(after)) {
    visit(name, Object.hasOwn(before, name) ? before[name] : undefined, after[name]);
  }
  for (const name of Object.keys(before)) {
    if (!Object.hasOwn(after, name)) visit(name, before[name], undefined);
  }
  return isSame ? undefined : gathered;
}

function gather(gathered: Gathered, element: string, changes: Changes): void {
  for (const kind of KINDS) {
    const node = changes[kind];
    if (node !== undefined) (gathered[kind] ??= {})[element] = node;
  }
}

function compareValues(
  schema: Schema,
  left: unknown,
  right: unknown,
  excluded: FieldSet | undefined,
): Changes | undefined {
  if (left === right) return undefined;
  if (left === undefined) return oneSided('added', schema, right, excluded);
  if (right === undefined) return oneSided('removed', schema, left, excluded);
  const [before, after] = [shapeOf(schema, left), shapeOf(schema, right)];
  if (before !== after) {
    // Only where no schema says what it is: a scalar took the place of an object, or the other way round.
    const { modified: _leaf, ...rest } =
      compareMembers(
        schema,
        before === 'map' ? left : null,
        after === 'map' ? right : null,
        excluded,
      ) ?? {};
    return { ...rest, modified: LEAF };
  }
  if (after === 'leaf' || (isBlank(left) && isBlank(right))) {
    return equalJson(left, right) ? undefined : { modified: LEAF };
  }
  return after === 'map'
    ? compareMembers(schema, left, right, excluded)
    : compareItems(schema, left, right);
}

function oneSided(
  kind: 'added' | 'removed',
  schema: Schema,
  value: unknown,
  excluded: FieldSet | undefined,
): Changes | undefined {
  const node = nodeOf(schema, value);
  if (excluded === undefined) return { [kind]: node };
  const rest = differenceBelow(node, excluded);
  return { [kind]: rest };
}

/** Nothing in it that could be owned by itself: the value is owned as one. */
function isBlank(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return true;
  return Array.isArray(value) ? value.length === 0 : isEmpty(value as FieldSet);
}

function compareItems(schema: Schema, left: unknown, right: unknown): Changes | undefined {
  const [before, after] = [itemsByElement(schema, left), itemsByElement(schema, right)];
  const gathered: Gathered = {};
  let isSame = true;
  const visit = (element: string, ours: readonly unknown[], theirs: readonly unknown[]): void => {
    const changes = compareSame(itemSchema(schema), ours, theirs);
    if (changes === undefined) return;
    isSame = false;
    gather(gathered, element, changes);
  };
  for (const [element, items] of before) visit(element, items, after.get(element) ?? []);
  for (const [element, items] of after) if (!before.has(element)) visit(element, [], items);
  return isSame ? undefined : gathered;
}

/** Items with the same element; where there are several they are owned as one. */
function compareSame(
  schema: Schema,
  before: readonly unknown[],
  after: readonly unknown[],
): Changes | undefined {
  if (before.length > 1 && after.length > 1) {
    return equalJson(before, after) ? undefined : { modified: LEAF };
  }
  if (before.length > 1) {
    return { removed: LEAF, ...(after.length === 0 ? {} : { added: nodeOf(schema, after[0]) }) };
  }
  if (after.length > 1) {
    return { added: LEAF, ...(before.length === 0 ? {} : { removed: nodeOf(schema, before[0]) }) };
  }
  return compareValues(schema, before[0], after[0], undefined);
}

/** A value that was not there before, with all in it. */
function nodeOf(schema: Schema, value: unknown): FieldSet {
  const shape = shapeOf(schema, value);
  if (shape === 'leaf') return LEAF;
  const nodes: Nodes = { [SELF]: LEAF };
  let count = 0;
  if (shape === 'list') {
    for (const [element, items] of itemsByElement(schema, value)) {
      nodes[element] = items.length > 1 ? LEAF : nodeOf(itemSchema(schema), items[0]);
      count += 1;
    }
    return count === 0 ? LEAF : nodes;
  }
  const members = membersOf(value);
  for (const name of Object.keys(members)) {
    if (members[name] === undefined) continue;
    nodes[fieldElement(name)] = nodeOf(memberSchema(schema, name), members[name]);
    count += 1;
  }
  if (value !== null) {
    for (const [name, zero] of zerosOf(schema)) {
      if (members[name] !== undefined) continue;
      nodes[fieldElement(name)] = nodeOf(memberSchema(schema, name), zero);
      count += 1;
    }
  }
  return count === 0 ? LEAF : nodes;
}

const zeros = new WeakMap<Schema, readonly (readonly [string, unknown])[]>();
const NONE: readonly (readonly [string, unknown])[] = [];

function zerosOf(schema: Schema): readonly (readonly [string, unknown])[] {
  if (schema.properties === undefined) return NONE;
  let found = zeros.get(schema);
  if (found === undefined) {
    found = Object.entries(schema.properties)
      .filter(([, { zero }]) => zero !== undefined)
      .map(([name, { zero }]) => [name, zero] as const);
    zeros.set(schema, found);
  }
  return found;
}
