// `fieldPath` of a rule: `.spec.name` or `['odd name']`, which field below the rule's place its error is about.
import { entryOf } from '../schema/json-value.ts';
import type { Schema } from '../schema/schema.ts';

const PART = /\.([A-Za-z_][\w-]*)|\[(?:'([^']*)'|"([^"]*)")\]/y;

/**
 * The path as errors show it, to be put behind that of the object (`.spec.name`, `[key]` in maps), or undefined when the
 * schema has no such field.
 */
export function resolveFieldPath(text: string, schema: Schema): string | undefined {
  const part = new RegExp(PART);
  let shown = '';
  let at: Schema | undefined = schema;
  if (text === '') return undefined;
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    if (match === null) return undefined;
    const name = match[1] ?? match[2] ?? match[3] ?? '';
    const property: Schema | undefined = entryOf(at.properties, name)?.schema;
    if (property !== undefined) shown += `.${name}`;
    else if (at.additionalProperties !== undefined) shown += `[${name}]`;
    at = property ?? at.additionalProperties;
    if (at === undefined) return undefined;
  }
  return shown;
}
