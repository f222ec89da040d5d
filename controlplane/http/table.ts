// meta.k8s.io Table: the server renders the cells, `kubectl get` only prints them.
import { badRequest } from '../api/errors.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';

import { partialMetadata } from './representation.ts';

/** What each row carries beside its cells. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableOptions {
  readonly metaVersion: string;
  readonly includeObject: IncludeObject;
  /** Milliseconds since the epoch, for ages. */
  readonly now: number;
  /** False in all but the first event of a watch. */
  readonly withColumns: boolean;
}

export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** @throws ApiError BadRequest for a value other than the three */
export function parseIncludeObject(value: string | null): IncludeObject {
  switch (value) {
    case null:
    case '':
    case 'Metadata':
      return 'Metadata';
    case 'None':
    case 'Object':
      return value;
    default:
      throw badRequest(
        `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`,
      );
  }
}

export function tableOf(
  definition: ResourceDefinition,
  objects: readonly KubernetesObject[],
  metadata: ListMeta,
  options: TableOptions,
): Record<string, unknown> {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.metaVersion}`,
    metadata,
    columnDefinitions: options.withColumns ? columnsOf(definition) : null,
    rows: objects.map((object) => ({
      cells: definition.table.row(object, options.now),
      ...rowObject(object, options),
    })),
  };
}

/** Columns with every field present: kubectl and the Go types print what is missing as empty. */
function columnsOf(definition: ResourceDefinition): Record<string, unknown>[] {
  return definition.table.columns.map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format: format ?? '',
    description: description ?? '',
    priority,
  }));
}

function rowObject(object: KubernetesObject, options: TableOptions): { object: unknown } {
  switch (options.includeObject) {
    case 'None':
      return { object: null };
    case 'Metadata':
      return { object: partialMetadata(object, options.metaVersion) };
    case 'Object':
      return { object };
  }
}
