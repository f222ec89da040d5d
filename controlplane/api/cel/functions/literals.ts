// What mutations write objects as: literals of objects and of JSON patches (see message-literals.ts), and the key of a patch's path.
import {
  JSON_PATCH,
  LiteralValue,
  OBJECT,
  OBJECT_FIELD,
  ObjectLiteral,
  PatchLiteral,
} from '../literal-value.ts';
import { MAKERS, OPTIONAL_MARK } from '../message-literals.ts';
import { EvaluationError } from '../meter.ts';
import { Optional, typeOf } from '../values.ts';
import type { MapValue, Value } from '../values.ts';
import { row } from './row.ts';
import type { FunctionRow } from './row.ts';

const PATCH_TEXTS = new Set(['op', 'path', 'from']);

/** Without the fields that are optional and have no value. @throws EvaluationError */
function fieldsOf({ entries }: MapValue): ReadonlyMap<string, Value> {
  const fields = new Map<string, Value>();
  for (const [key, value] of entries) {
    const name = String(key);
    if (!name.startsWith(OPTIONAL_MARK)) {
      fields.set(name, value);
      continue;
    }
    const plain = name.slice(OPTIONAL_MARK.length);
    if (!(value instanceof Optional)) {
      throw new EvaluationError(
        `cannot initialize optional entry '${plain}' from non-optional value ${typeOf(value)}`,
      );
    }
    if (value.value !== undefined) fields.set(plain, value.value);
  }
  return fields;
}

function patchOf(fields: ReadonlyMap<string, Value>): PatchLiteral {
  for (const [name, value] of fields) {
    if (PATCH_TEXTS.has(name)) {
      if (typeof value === 'string') continue;
      throw new EvaluationError(
        `unexpected type ${typeOf(value)} for JSONPatchType '${name}' field`,
      );
    }
    if (name !== 'value') throw new EvaluationError(`unexpected JSONPatchType field: ${name}`);
  }
  return new PatchLiteral(JSON_PATCH, fields);
}

/** Only where mutations are written. */
export const literalFunctions: readonly FunctionRow[] = [
  row(
    `${MAKERS.object}(map): ${OBJECT}`,
    (_, map: MapValue) => new ObjectLiteral(OBJECT, fieldsOf(map)),
  ),
  row(
    `${MAKERS.field}(string, map): ${OBJECT_FIELD}`,
    (_, path: string, map: MapValue) => new LiteralValue(path, fieldsOf(map)),
  ),
  row(`${MAKERS.patch}(map): ${JSON_PATCH}`, (_, map: MapValue) => patchOf(fieldsOf(map))),
  row('JSONPatchNamespace.escapeKey(string): string', (_, key: string) =>
    key.replaceAll('~', '~0').replaceAll('/', '~1'),
  ),
];
