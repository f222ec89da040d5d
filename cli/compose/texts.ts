// Maps of texts in their several forms: `{NAME: VALUE}`, or `[NAME=VALUE]`.
import type { Field } from './field.ts';

/** Values that were left empty are empty texts. */
export function textMap(field: Field | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(entriesOf(field).map(([key, value]) => [key, value ?? '']));
}

/** In the order of the file; undefined for a name without a value. */
export function entriesOf(
  field: Field | undefined,
): readonly (readonly [name: string, value: string | undefined, field: Field])[] {
  if (field === undefined) return [];
  if (field.isList)
    return field.items().map((item) => {
      const text = item.text();
      const at = text.indexOf('=');
      return at === -1
        ? ([text, undefined, item] as const)
        : ([text.slice(0, at), text.slice(at + 1), item] as const);
    });
  return field
    .entries()
    .map(([key, value]) => [key, value.isNull ? undefined : value.text(), value] as const);
}
