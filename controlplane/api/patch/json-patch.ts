// JSON patch, RFC 6902, within the bounds of upstream: so many operations, and copies that may not blow a document up.
import { ApiError, badRequest } from '../errors.ts';
import { copyJson, equalJson, fieldOf, isJsonObject } from '../schema/json-value.ts';
import {
  addAt,
  formatPointer,
  parsePointer,
  removeAt,
  replaceAt,
  valueAt,
} from './json-pointer.ts';
import type { Pointer } from './json-pointer.ts';
import { PatchTestError, patchDoesNotFit } from './patch-error.ts';

const OPERATIONS_MAXIMUM = 10_000;
/** Characters of JSON that all `copy` operations together may add: the limit of a request body. */
const COPIED_MAXIMUM = 3 * 1024 * 1024;

interface Operation {
  readonly op: string;
  readonly path: Pointer;
  /** Undefined for operations without one. */
  readonly from: Pointer | undefined;
  readonly value: unknown;
}

/**
 * Applies all operations or throws. `document` may change: pass a copy of what must stay.
 * @returns the patched document, which is another value when an operation replaced the whole
 * @throws ApiError 400 when `operations` is no patch, 413 when it is too much, 422 when it does not fit the document
 */
export function applyJSONPatch(document: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) {
    throw badRequest('error decoding patch: a JSON patch must be a list of operations');
  }
  if (operations.length > OPERATIONS_MAXIMUM) {
    throw tooLarge(
      `The allowed maximum operations in a JSON patch is ${OPERATIONS_MAXIMUM}, got ${operations.length}`,
    );
  }
  const copies = { size: 0 };
  let result = document;
  for (const [at, source] of (operations as unknown[]).entries()) {
    result = applyOperation(result, parseOperation(source, at), copies);
  }
  return result;
}

function tooLarge(what: string): ApiError {
  return new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: ${what}`);
}

function parseOperation(source: unknown, at: number): Operation {
  if (!isJsonObject(source)) {
    throw badRequest(`error decoding patch: operation ${at} must be an object`);
  }
  const op = fieldOf(source, 'op');
  const path = fieldOf(source, 'path');
  const from = fieldOf(source, 'from');
  if (typeof op !== 'string') throw patchDoesNotFit(`operation ${at} has no "op"`);
  if (typeof path !== 'string') throw patchDoesNotFit(`operation ${at} (${op}) has no "path"`);
  const isFrom = op === 'move' || op === 'copy';
  if (isFrom && typeof from !== 'string') {
    throw patchDoesNotFit(`operation ${at} (${op}) has no "from"`);
  }
  const isValue = op === 'add' || op === 'replace' || op === 'test';
  if (isValue && !Object.hasOwn(source, 'value')) {
    throw patchDoesNotFit(`operation ${at} (${op}) has no "value"`);
  }
  return {
    op,
    path: parsePointer(path),
    from: isFrom ? parsePointer(from as string) : undefined,
    value: fieldOf(source, 'value'),
  };
}

function applyOperation(
  document: unknown,
  { op, path, from = [], value }: Operation,
  copies: { size: number },
): unknown {
  switch (op) {
    case 'add':
      return addAt(document, path, copyJson(value));
    case 'remove':
      return removeAt(document, path);
    case 'replace':
      return replaceAt(document, path, copyJson(value));
    case 'move': {
      if (from.length < path.length && from.every((token, at) => token === path[at])) {
        throw patchDoesNotFit('"move" cannot put a value into itself');
      }
      const moved = valueAt(document, from);
      return addAt(removeAt(document, from), path, moved);
    }
    case 'copy': {
      const source = valueAt(document, from);
      copies.size += JSON.stringify(source).length;
      if (copies.size > COPIED_MAXIMUM) {
        throw tooLarge(`the copies of a JSON patch may add up to ${COPIED_MAXIMUM} characters`);
      }
      return addAt(document, path, copyJson(source));
    }
    case 'test':
      testAt(document, path, value);
      return document;
    default:
      throw patchDoesNotFit(
        `unknown "op" ${JSON.stringify(op)}: use add, remove, replace, move, copy or test`,
      );
  }
}

/** @throws PatchTestError when another value is there, or none where one could be */
function testAt(document: unknown, path: Pointer, value: unknown): void {
  const last = path.at(-1);
  const parent = last === undefined ? undefined : valueAt(document, path.slice(0, -1));
  const isThere = last === undefined || !isJsonObject(parent) || Object.hasOwn(parent, last);
  if (isThere && equalJson(valueAt(document, path), value)) return;
  const shown = formatPointer(path);
  const what = isThere
    ? `testing the value at ${JSON.stringify(shown)} failed: it is another`
    : `the path ${JSON.stringify(shown)} does not exist`;
  throw patchDoesNotFit(what, PatchTestError);
}
