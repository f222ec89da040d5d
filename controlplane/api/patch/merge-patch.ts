// JSON merge patch, RFC 7386: objects merge field by field, null removes, everything else replaces.
import { copyJson, fieldOf, isJsonObject, setField } from '../schema/json-value.ts';
import type { JsonObject } from '../schema/json-value.ts';

/**
 * The patched document. Neither argument changes; the result may share unpatched parts with `document`.
 * @param patch any JSON value; one that is no object replaces the document
 */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return copyJson(patch);
  const result: JsonObject = {};
  if (isJsonObject(document)) {
    for (const key of Object.keys(document)) setField(result, key, document[key]);
  }
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete result[key];
    else setField(result, key, applyMergePatch(fieldOf(result, key), value));
  }
  return result;
}
