// Columns of Tables (what `kubectl get` prints) and the one that every kind has when it says nothing else.
import type { KubernetesObject } from './object.ts';
import type { Cell, ColumnDefinition, TableDefinition } from './resource.ts';
import { ageOf } from './timestamps.ts';

/** The first column of every table. */
export const nameColumn: ColumnDefinition = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  priority: 0,
};

export function column(name: string, options: Partial<ColumnDefinition> = {}): ColumnDefinition {
  return { name, type: 'string', priority: 0, ...options };
}

/** Shown only with `-o wide`. */
export function wideColumn(
  name: string,
  options: Partial<ColumnDefinition> = {},
): ColumnDefinition {
  return { name, type: 'string', priority: 1, ...options };
}

export const ageColumn = column('Age');

export const nameOf = (object: KubernetesObject): string => object.metadata.name ?? '';

/** The AGE cell: time since creation. */
export function ageCell(object: KubernetesObject, now: number): string {
  return ageOf(object.metadata.creationTimestamp, now);
}

/** What stands where a value is missing. */
export const orNone = (value: string): string => (value === '' ? '<none>' : value);

/** NAME and AGE. */
export const defaultTable: TableDefinition = {
  columns: [nameColumn, ageColumn],
  row: (object, now) => [nameOf(object), ageCell(object, now)],
};

/** NAME, what is between, AGE, and what `-o wide` adds after it. `cells` gives those between and then the wide ones. */
export function namedTable(
  between: readonly ColumnDefinition[],
  cells: (object: KubernetesObject, now: number) => readonly Cell[],
  wide: readonly ColumnDefinition[] = [],
): TableDefinition {
  return {
    columns: [nameColumn, ...between, ageColumn, ...wide],
    row(object, now) {
      const all = cells(object, now);
      return [
        nameOf(object),
        ...all.slice(0, between.length),
        ageCell(object, now),
        ...all.slice(between.length),
      ];
    },
  };
}

/** The first few of a list, and how many more there are. */
export function shortList(items: readonly string[], most: number, none: string): string {
  if (items.length === 0) return none;
  const shown = items.slice(0, most).join(',');
  return items.length > most ? `${shown} + ${items.length - most} more...` : shown;
}
