// metadata.managedFields: who set which fields, when and how. One entry per manager, operation, subresource and, for updates,
// version. Entries that the store holds are canonical; those that clients send are checked and put into that form.
import { isJsonObject } from '../schema/json-value.ts';
import { isEmpty, LEAF, SELF } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { inOrder, readElement } from './path-element.ts';

export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation: 'Apply' | 'Update';
  /** Of the object as it was written: its fields are to be read by the schema of that version. */
  readonly apiVersion: string;
  /** RFC 3339, seconds. */
  readonly time?: string;
  readonly fieldsType: 'FieldsV1';
  readonly fieldsV1: FieldSet;
  /** Absent for the object itself. */
  readonly subresource?: string;
}

/** What tells entries apart; sorts as upstream's texts of managers do. */
export function identityOf(entry: ManagedFieldsEntry): string {
  return JSON.stringify({
    ...(entry.manager === undefined || entry.manager === '' ? {} : { manager: entry.manager }),
    operation: entry.operation,
    ...(entry.operation === 'Update' ? { apiVersion: entry.apiVersion } : {}),
    ...(entry.subresource === undefined ? {} : { subresource: entry.subresource }),
  });
}

export function isSameManager(left: ManagedFieldsEntry, right: ManagedFieldsEntry): boolean {
  return (
    (left.manager ?? '') === (right.manager ?? '') &&
    left.operation === right.operation &&
    (left.subresource ?? '') === (right.subresource ?? '') &&
    (left.operation === 'Apply' || left.apiVersion === right.apiVersion)
  );
}

/** The entry with its fields in their canonical order, and all in the order in which upstream writes it. */
export function entryOf(entry: ManagedFieldsEntry): ManagedFieldsEntry {
  const { manager, operation, apiVersion, time, fieldsType, fieldsV1, subresource } = entry;
  return {
    ...(manager === undefined ? {} : { manager }),
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType,
    fieldsV1: inOrder(fieldsV1),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** Appliers before updaters, older ones first. */
export function compareEntries(left: ManagedFieldsEntry, right: ManagedFieldsEntry): number {
  return (
    compare(left.operation, right.operation) ||
    secondsOf(left) - secondsOf(right) ||
    compare(left.manager ?? '', right.manager ?? '') ||
    compare(left.apiVersion, right.apiVersion) ||
    compare(left.subresource ?? '', right.subresource ?? '')
  );
}

function compare(left: string, right: string): number {
  return left === right ? 0 : left < right ? -1 : 1;
}

/** 0 when it has no time. */
export function secondsOf({ time }: ManagedFieldsEntry): number {
  const milliseconds = time === undefined ? 0 : Date.parse(time);
  return Number.isNaN(milliseconds) ? 0 : Math.floor(milliseconds / 1000);
}

/** What a client sends to have all entries forgotten: an empty list, or a list of one empty entry. */
export function asksForReset(sent: unknown): boolean {
  if (!Array.isArray(sent)) return false;
  const [first] = sent as readonly unknown[];
  return sent.length === 0 || (sent.length === 1 && isJsonObject(first) && isEmptyEntry(first));
}

function isEmptyEntry(entry: Readonly<Record<string, unknown>>): boolean {
  return Object.values(entry).every(
    (value) => value === '' || value === null || value === undefined,
  );
}

/** The entries of a list that a client sent, or undefined when one of them cannot be understood: then none counts. */
export function readEntries(sent: unknown): readonly ManagedFieldsEntry[] | undefined {
  if (!Array.isArray(sent)) return undefined;
  const found = new Map<string, ManagedFieldsEntry>();
  for (const value of sent as readonly unknown[]) {
    const entry = readEntry(value);
    if (entry === undefined) return undefined;
    found.set(identityOf(entry), entry);
  }
  return [...found.values()];
}

function readEntry(value: unknown): ManagedFieldsEntry | undefined {
  if (!isJsonObject(value)) return undefined;
  const { manager, operation, apiVersion, time, fieldsType, fieldsV1, subresource } = value;
  if (operation !== 'Apply' && operation !== 'Update') return undefined;
  if (typeof apiVersion !== 'string' || apiVersion === '' || fieldsType !== 'FieldsV1') {
    return undefined;
  }
  const fields = readFields(fieldsV1 ?? {});
  if (fields === undefined) return undefined;
  return entryOf({
    ...(typeof manager === 'string' && manager !== '' ? { manager } : {}),
    operation,
    apiVersion,
    ...(typeof time === 'string' ? { time } : {}),
    fieldsType,
    fieldsV1: fields,
    ...(typeof subresource === 'string' && subresource !== '' ? { subresource } : {}),
  });
}

function readFields(value: unknown): FieldSet | undefined {
  try {
    return readNode(value).children;
  } catch {
    return undefined;
  }
}

interface Node {
  readonly children: FieldSet;
  readonly isMember: boolean;
}

/** @throws Error for what is no path element */
function readNode(value: unknown): Node {
  if (value === null) return { children: LEAF, isMember: true };
  if (!isJsonObject(value)) throw new Error('not a set of fields');
  const children: Record<string, FieldSet> = {};
  let isMember = false;
  for (const text of Object.keys(value)) {
    if (text === SELF) {
      isMember = true;
      continue;
    }
    const element = readElement(text);
    if (element === undefined) continue;
    const node = readNode(value[text]);
    if (isEmpty(node.children)) children[element] = LEAF;
    else children[element] = node.isMember ? { [SELF]: LEAF, ...node.children } : node.children;
  }
  return { children, isMember: isMember || isEmpty(children) };
}
