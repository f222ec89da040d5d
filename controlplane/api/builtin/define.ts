// From the short row that a built-in kind is written as to the full ResourceDefinition.
import { lazy } from '../lazy.ts';
import type {
  ResourceDefinition,
  ScaleDefinition,
  SubresourceDefinition,
  TableDefinition,
  Verb,
} from '../resource.ts';
import { storageKeyOf } from '../resource.ts';
import type { Schema } from '../schema/schema.ts';
import { defaultTable } from '../table.ts';

/** A built-in kind: what differs from the usual. */
export interface KindRow {
  /** '' for core. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly resource: string;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly verbs?: readonly Verb[];
  readonly subresources?: readonly SubresourceDefinition[];
  readonly table?: TableDefinition;
  readonly selectableFields?: ResourceDefinition['selectableFields'];
  readonly watchPaceMs?: number;
  readonly scale?: ScaleDefinition;
  readonly storedAs?: ResourceDefinition['storedAs'];
  readonly storageKey?: string;
  readonly isVirtual?: boolean;
}

/** Finds the schema of a kind: `builtinSchema` of the generated corpus. */
export type SchemaLookup = (group: string, version: string, kind: string) => Schema | undefined;

export const allVerbs: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

export const statusSubresource: SubresourceDefinition = {
  name: 'status',
  verbs: ['get', 'patch', 'update'],
};

export const scaleSubresource: SubresourceDefinition = {
  name: 'scale',
  kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
  verbs: ['get', 'patch', 'update'],
};

/** Where controllers of Pods count. */
export const replicas: ScaleDefinition = {
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.replicas',
  labelSelectorPath: '.spec.selector',
};

/** The schema is looked up when first asked for; an Error then says that the corpus has none, which is a mistake of ours. */
export function define(row: KindRow, schemaOf: SchemaLookup): ResourceDefinition {
  const schema = lazy(() => {
    const found = schemaOf(row.group, row.version, row.kind);
    if (found !== undefined) return found;
    throw new Error(
      `Cannot define ${row.kind}: the schema corpus has no ${row.group}/${row.version} ${row.kind}`,
    );
  });
  return {
    group: row.group,
    version: row.version,
    resource: row.resource,
    singular: row.kind.toLowerCase(),
    kind: row.kind,
    listKind: `${row.kind}List`,
    namespaced: row.namespaced,
    shortNames: row.shortNames ?? [],
    categories: row.categories ?? [],
    verbs: row.verbs ?? allVerbs,
    get schema() {
      return schema();
    },
    table: row.table ?? defaultTable,
    subresources: row.subresources ?? [],
    selectableFields: row.selectableFields ?? {},
    custom: false,
    ...(row.isVirtual === true ? { isVirtual: true } : {}),
    ...(row.watchPaceMs === undefined ? {} : { watchPaceMs: row.watchPaceMs }),
    ...(row.scale === undefined ? {} : { scale: row.scale }),
    ...(row.storedAs === undefined ? {} : { storedAs: row.storedAs }),
    storageKey: row.storageKey ?? storageKeyOf(row.group, row.resource),
  };
}
