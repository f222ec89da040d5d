// The Table of a custom resource: Name, then its additionalPrinterColumns, or Age where there are none. Cells as
// apiextensions-apiserver fills them: what is missing or of another type is null.
import { listAt, numberAt, stringAt } from './fields.ts';
import type { Cell, ColumnDefinition, TableDefinition } from './resource.ts';
import { compileJsonPath } from './schema/json-path.ts';
import type { JsonPath } from './schema/json-path.ts';
import { nameColumn } from './table.ts';
import { humanDuration, parseTimestamp } from './timestamps.ts';

const AGE: unknown = {
  name: 'Age',
  type: 'date',
  description: 'Time since the object was created.',
  jsonPath: '.metadata.creationTimestamp',
};

export const columnTypes = ['integer', 'number', 'string', 'boolean', 'date'] as const;

interface Column {
  readonly definition: ColumnDefinition;
  readonly path: JsonPath;
}

/**
 * @param version one of a CustomResourceDefinition's `spec.versions`
 * @throws Error for a column whose path cannot be read
 */
export function customResourceTable(version: unknown): TableDefinition {
  const declared = listAt(version, 'additionalPrinterColumns');
  const columns = (declared.length === 0 ? [AGE] : declared).map(columnOf);
  return {
    columns: [nameColumn, ...columns.map(({ definition }) => definition)],
    row: (object, now) => [
      object.metadata.name ?? '',
      ...columns.map(({ definition, path }) => cellOf(definition.type, path(object)[0], now)),
    ],
  };
}

function columnOf(source: unknown): Column {
  const format = stringAt(source, 'format');
  const description = stringAt(source, 'description');
  return {
    definition: {
      name: stringAt(source, 'name'),
      type: columnTypes.find((type) => type === stringAt(source, 'type')) ?? 'string',
      ...(format === '' ? {} : { format }),
      ...(description === '' ? {} : { description }),
      priority: numberAt(source, 'priority'),
    },
    path: compileJsonPath(stringAt(source, 'jsonPath')),
  };
}

function cellOf(type: ColumnDefinition['type'], value: unknown, now: number): Cell {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'string':
      if (typeof value === 'string') return value;
      return JSON.stringify(value);
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date': {
      if (typeof value !== 'string') return null;
      const then = parseTimestamp(value);
      return then === undefined ? '<invalid>' : humanDuration(now - then);
    }
  }
}
