// JSON pointers, RFC 6901, and the three things a JSON patch does at the place one names.
import { isJsonObject, setField } from '../schema/json-value.ts';
import { patchDoesNotFit } from './patch-error.ts';

export type Pointer = readonly string[];

/** @throws ApiError 422 for text that is neither empty nor starts with a slash, and for a bad escape */
export function parsePointer(text: string): Pointer {
  if (text === '') return [];
  if (!text.startsWith('/')) {
    throw patchDoesNotFit(`the path ${JSON.stringify(text)} must be empty or start with "/"`);
  }
  return text
    .slice(1)
    .split('/')
    .map((token) => {
      if (/~(?![01])/.test(token)) {
        throw patchDoesNotFit(`the path ${JSON.stringify(text)} has a "~" without 0 or 1 after it`);
      }
      return token.replaceAll('~1', '/').replaceAll('~0', '~');
    });
}

export function formatPointer(pointer: Pointer): string {
  return pointer.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function missing(pointer: Pointer): Error {
  return patchDoesNotFit(`the path ${JSON.stringify(formatPointer(pointer))} does not exist`);
}

/** An index of an item that exists, or with `allowEnd` the place behind the last one. */
function indexIn(list: readonly unknown[], token: string, pointer: Pointer, allowEnd: boolean) {
  if (allowEnd && token === '-') return list.length;
  const index = /^(0|[1-9]\d{0,8})$/.test(token) ? Number(token) : -1;
  if (index < 0 || index > list.length || (index === list.length && !allowEnd)) {
    throw missing(pointer);
  }
  return index;
}

function step(value: unknown, token: string, pointer: Pointer): unknown {
  if (Array.isArray(value)) return (value as unknown[])[indexIn(value, token, pointer, false)];
  if (isJsonObject(value) && Object.hasOwn(value, token)) return value[token];
  throw missing(pointer);
}

/** @throws ApiError 422 when there is nothing at `pointer` */
export function valueAt(document: unknown, pointer: Pointer): unknown {
  let value = document;
  for (const token of pointer) value = step(value, token, pointer);
  return value;
}

/** Adds as RFC 6902 says: before the list item at an index, over the field of an object. Returns the new document. */
export function addAt(document: unknown, pointer: Pointer, value: unknown): unknown {
  const last = pointer.at(-1);
  if (last === undefined) return value;
  const parent = valueAt(document, pointer.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(indexIn(parent, last, pointer, true), 0, value);
  else if (isJsonObject(parent)) setField(parent, last, value);
  else throw missing(pointer);
  return document;
}

/** Returns the new document: null when all of it was removed. */
export function removeAt(document: unknown, pointer: Pointer): unknown {
  const last = pointer.at(-1);
  if (last === undefined) return null;
  const parent = valueAt(document, pointer.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(indexIn(parent, last, pointer, false), 1);
  else if (isJsonObject(parent) && Object.hasOwn(parent, last)) delete parent[last];
  else throw missing(pointer);
  return document;
}

export function replaceAt(document: unknown, pointer: Pointer, value: unknown): unknown {
  const last = pointer.at(-1);
  if (last === undefined) return value;
  const parent = valueAt(document, pointer.slice(0, -1));
  step(parent, last, pointer);
  if (Array.isArray(parent)) parent[Number(last)] = value;
  else if (isJsonObject(parent)) setField(parent, last, value);
  return document;
}
