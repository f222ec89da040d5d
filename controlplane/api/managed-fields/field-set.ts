// Sets of field paths, in the very form in which metadata.managedFields has them (FieldsV1), so that reading and writing one
// costs nothing: {"f:data": {".": {}, "f:key": {}}}. A node without children is a member; one with children is a member when
// it holds ".". The root is no member, and an empty root is the empty set. Sets are never changed once made: they are shared.

export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** A member without members below. */
export const LEAF: FieldSet = Object.freeze({});
export const SELF = '.';

type Nodes = Record<string, FieldSet>;

export function isEmpty(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Of a node below the root. */
export function isMember(node: FieldSet): boolean {
  return SELF in node || isEmpty(node);
}

/** A node that is a member, with the members below of `children`, which is not to be used any more. */
export function asMember(children: FieldSet): FieldSet {
  return isMember(children) ? children : { [SELF]: LEAF, ...children };
}

export function union(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right || isEmpty(right)) return left;
  return isEmpty(left) ? right : unionOfNodes(left, right);
}

/** Of two sets, or of two nodes that both have children. */
function unionOfNodes(left: FieldSet, right: FieldSet): FieldSet {
  let out: Nodes | undefined;
  for (const element in right) {
    const theirs = right[element] as FieldSet;
    const ours = left[element];
    const both = ours === undefined ? theirs : unionBelow(ours, theirs);
    if (both !== ours) (out ??= { ...left })[element] = both;
  }
  return out ?? left;
}

function unionBelow(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right) return left;
  if (isEmpty(right)) return isEmpty(left) ? left : asMember(left);
  return isEmpty(left) ? asMember(right) : unionOfNodes(left, right);
}

export function intersection(left: FieldSet, right: FieldSet): FieldSet {
  return commonChildren(left, right) ?? LEAF;
}

function commonChildren(left: FieldSet, right: FieldSet): Nodes | undefined {
  let out: Nodes | undefined;
  for (const element in left) {
    const theirs = right[element];
    if (theirs === undefined || element === SELF) continue;
    const ours = left[element] as FieldSet;
    const children = commonChildren(ours, theirs);
    if (isMember(ours) && isMember(theirs)) {
      (out ??= {})[element] = children === undefined ? LEAF : { [SELF]: LEAF, ...children };
    } else if (children !== undefined) (out ??= {})[element] = children;
  }
  return out;
}

/** What `left` has and `right` has not. A member of `right` takes nothing away that lies below it. */
export function difference(left: FieldSet, right: FieldSet): FieldSet {
  return without(left, right, false);
}

/** The same, but a member of `right` takes away all that lies below it as well. */
export function differenceBelow(left: FieldSet, right: FieldSet): FieldSet {
  return without(left, right, true);
}

function without(left: FieldSet, right: FieldSet, recursive: boolean): FieldSet {
  let out: Nodes | undefined;
  for (const element in left) {
    const theirs = right[element];
    if (theirs === undefined || element === SELF) continue;
    const ours = left[element] as FieldSet;
    const rest = restOf(ours, theirs, recursive);
    if (rest === ours) continue;
    out ??= { ...left };
    if (rest === undefined) delete out[element];
    else out[element] = rest;
  }
  return out ?? left;
}

function restOf(left: FieldSet, right: FieldSet, recursive: boolean): FieldSet | undefined {
  const taken = isMember(right);
  if (taken && recursive) return undefined;
  if (isEmpty(left)) return taken ? undefined : left;
  const rest = without(left, right, recursive);
  if (!taken || !(SELF in left)) {
    // Without a member left in it a node is gone.
    if (rest === left) return rest;
    const state = stateOf(rest);
    return state === 'members' ? rest : state === 'self' ? LEAF : undefined;
  }
  const { [SELF]: _self, ...children } = rest;
  return isEmpty(children) ? undefined : children;
}

/** What is left in a node that had members below: still some, only itself, or nothing. */
function stateOf(node: FieldSet): 'members' | 'self' | 'nothing' {
  let state: 'self' | 'nothing' = 'nothing';
  for (const element in node) {
    if (element !== SELF) return 'members';
    state = 'self';
  }
  return state;
}

export function has(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) {
    node = node[element];
    if (node === undefined) return false;
  }
  return path.length > 0 && isMember(node);
}

export function setOf(...paths: readonly (readonly string[])[]): FieldSet {
  let set: FieldSet = LEAF;
  for (const path of paths) {
    set = union(
      set,
      path.reduceRight<FieldSet>((node, element) => ({ [element]: node }), LEAF),
    );
  }
  return set;
}
