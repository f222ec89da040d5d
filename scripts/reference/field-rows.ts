// The fields of a schema, one row each, as the reference lists them. Pure.

export interface FieldRow {
  /** `spec.ingress[].tls.mode` */
  readonly path: string;
  /** `string`, `integer`, `array of objects`, `one of A, B` … */
  readonly type: string;
  readonly text: string;
}

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly 'x-kubernetes-int-or-string'?: boolean;
}

/** What is inside of it is described elsewhere. */
const FOREIGN = /(^|\.)(template|metadata|containerSpec)$/;
const UNIVERSAL = new Set(['apiVersion', 'kind', 'metadata']);

/** Depth first, in the order of the schema; those that every object has are left out. */
export function fieldRows(schema: unknown): readonly FieldRow[] {
  return rowsOf((schema ?? {}) as Schema, '').filter(({ path }) => !UNIVERSAL.has(path));
}

function rowsOf(schema: Schema, prefix: string): readonly FieldRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const isRequired = schema.required?.includes(name) === true;
    const row: FieldRow = {
      path,
      type: [typeOf(field), ...(isRequired ? ['required'] : []), ...defaultOf(field)].join(', '),
      text: (field.description ?? '').replaceAll(/\s+/g, ' ').trim(),
    };
    return FOREIGN.test(path) ? [row] : [row, ...inside(field, path)];
  });
}

function inside(field: Schema, path: string): readonly FieldRow[] {
  if (field.items !== undefined) return inside(field.items, `${path}[]`);
  if (typeof field.additionalProperties === 'object')
    return inside(field.additionalProperties, `${path}{}`);
  return rowsOf(field, `${path}.`);
}

function typeOf(schema: Schema): string {
  if (schema['x-kubernetes-int-or-string'] === true) return 'integer or string';
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  if (typeof schema.additionalProperties === 'object')
    return `map of ${typeOf(schema.additionalProperties)}`;
  return schema.format === 'date-time' ? 'time' : (schema.type ?? 'anything');
}

function defaultOf(schema: Schema): readonly string[] {
  return schema.default === undefined ? [] : [`default \`${JSON.stringify(schema.default)}\``];
}
