// A kind, as data. A built-in kind is one of these rows plus, where it must behave, a strategy; a custom resource is one
// made from its CustomResourceDefinition. The server has no other notion of "a Pod".
import type { ClientConfig } from './client-config.ts';
import type { KubernetesObject } from './object.ts';
import type { Schema } from './schema/schema.ts';

export type Verb =
  'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

/** One column of a Table, as `kubectl get` prints it. */
export interface ColumnDefinition {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description?: string;
  /** 0 is always shown, 1 with `-o wide`. */
  readonly priority: number;
}

export type Cell = string | number | boolean | null;

export interface TableDefinition {
  readonly columns: readonly ColumnDefinition[];
  /** Cells in the order of `columns`. `now` is in milliseconds since the epoch, for ages. */
  row(object: KubernetesObject, now: number): readonly Cell[];
}

/** `/scale`: where in the object the counts and the selector live, as in a CRD's subresources.scale. */
export interface ScaleDefinition {
  /** JSON paths without the `$`: `.spec.replicas`. */
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

export interface SubresourceDefinition {
  /** `status`, `scale`, `log`, `eviction`, `binding`, `finalize` … */
  readonly name: string;
  /** Of the body, where it is not the parent's: `{group: 'autoscaling', version: 'v1', kind: 'Scale'}`. */
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
  readonly verbs: readonly Verb[];
}

/** Another version of a kind, in which its objects are stored. Both ways change nothing they are given. */
export interface StoredForm {
  readonly apiVersion: string;
  /** From the stored form to this version, apiVersion aside. */
  readonly read: (stored: KubernetesObject) => KubernetesObject;
  /** From this version to the stored form, apiVersion aside. */
  readonly write: (object: KubernetesObject) => KubernetesObject;
}

/** Who converts objects of a custom kind between its versions. */
export interface ConversionWebhook extends ClientConfig {
  /** Name of the CustomResourceDefinition. */
  readonly definition: string;
  readonly reviewVersions: readonly string[];
}

/** What the versions of a custom kind share. */
export interface CustomVersions {
  /** `example.com/v1`: what objects are stored in. */
  readonly storage: string;
  /** The schema of any version of the definition by its name, served or not. */
  readonly schemaOf: (version: string) => Schema | undefined;
  /** Objects with a greater revision were written by the rules of today, and in the version of today. */
  readonly since: number;
  /** Absent: versions differ in apiVersion and in which fields they have. */
  readonly webhook?: ConversionWebhook;
}

export interface ResourceDefinition {
  readonly group: string;
  readonly version: string;
  /** The plural in URLs: `pods`. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly Verb[];
  readonly schema: Schema;
  readonly table: TableDefinition;
  readonly subresources: readonly SubresourceDefinition[];
  readonly scale?: ScaleDefinition;
  /**
   * Field selectors beside metadata.name and metadata.namespace: label → value in the object ('' when absent).
   * Values are computed once per write and kept in the store's index.
   */
  readonly selectableFields: Readonly<Record<string, (object: KubernetesObject) => string>>;
  /** True for kinds of a CustomResourceDefinition: JSON and YAML only, no strategic merge, items of lists carry their kind. */
  readonly custom: boolean;
  /** Of a deprecated version: every answer carries it. */
  readonly deprecationWarning?: string;
  /**
   * How long an event may wait until the next write to its watchers, in milliseconds, while they come in a row; the usual few when
   * absent. For what changes all the time and is urgent to nobody: a watcher that is woken for each change pays for the waking.
   */
  readonly watchPaceMs?: number;
  /** True for what the server computes and nobody stores: no CustomResourceDefinition may take its names. */
  readonly isVirtual?: boolean;
  /** For a version that is not the one objects are stored in: how to get from one to the other. Absent: only apiVersion differs. */
  readonly storedAs?: StoredForm;
  /** Of a custom kind: how its objects are stored, whichever version they are written in. */
  readonly versions?: CustomVersions;
  /** Where objects lie in the store; the same for all versions of a kind: `apps/deployments`, `core/pods`. */
  readonly storageKey: string;
}

/** The storage key of a resource: its group (`core` for the empty one), a slash, its plural. */
export function storageKeyOf(group: string, resource: string): string {
  return `${group === '' ? 'core' : group}/${resource}`;
}
