// What is special about a kind: hooks that the pipelines of create, update and delete call. Hooks may change `object`
// only where their name says prepare, merge or default; `old` is never changed. Which kind has which: strategy-table.ts.
import type { FieldError } from '#controlplane/api/errors.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { UserInfo } from '#controlplane/api/user.ts';
import type { Environment } from './environment.ts';

export interface Strategy {
  /** What is wrong with a name, or undefined; a DNS subdomain unless said otherwise. */
  readonly checkName?: (name: string) => string | undefined;
  /** PUT of an absent object creates it. */
  readonly createsOnUpdate?: boolean;
  /** PUT without resourceVersion is refused. */
  readonly needsResourceVersion?: boolean;
  /** Clients may send status with a create, as node agents do. */
  readonly keepsStatusOnCreate?: boolean;
  /** Values are secret: errors name the field and never show what is in it. */
  readonly hidesValues?: boolean;
  /** metadata.generation counts changes of spec. */
  readonly hasGeneration?: boolean;
  /** What metadata.generation counts, where that is not the spec. */
  readonly counted?: (object: KubernetesObject) => unknown;
  /** What becomes of dependents when the request that deletes does not say. */
  readonly defaultPropagation?: 'Orphan';
  /** What admission adds to a new object before anybody else is asked about it; unlike a default it is owned by nobody. */
  readonly admit?: (object: KubernetesObject, env: Environment) => void;
  /** Whether the finished new object may be, once it is known to be valid. @throws ApiError Forbidden */
  readonly checkCreate?: (object: KubernetesObject, env: Environment) => void;
  /** The same of what an update leads to. @throws ApiError Forbidden */
  readonly checkUpdate?: (
    object: KubernetesObject,
    old: KubernetesObject,
    subresource: string,
    env: Environment,
  ) => void;
  /** @param user who creates it */
  readonly prepareForCreate?: (object: KubernetesObject, env: Environment, user: UserInfo) => void;
  readonly prepareForUpdate?: (
    object: KubernetesObject,
    old: KubernetesObject,
    subresource: string,
    env: Environment,
  ) => void;
  /** The stored object with what a subresource other than status may change. */
  readonly mergeSubresource?: (
    object: KubernetesObject,
    old: KubernetesObject,
    subresource: string,
  ) => KubernetesObject;
  /** Fills in what the schema's defaults cannot say. */
  readonly applyDefaults?: (object: KubernetesObject) => void;
  /**
   * After the defaults of a create or update: gives what only one object may have. Nobody comes between this and the write.
   *
   * @returns why it cannot have what it asks for
   */
  readonly finish?: (object: KubernetesObject, env: Environment) => readonly FieldError[];
  /** After the defaults of an update, where something is to be compared with what was. */
  readonly finishUpdate?: (object: KubernetesObject, old: KubernetesObject) => void;
  readonly validate?: (object: KubernetesObject, old?: KubernetesObject) => readonly FieldError[];
  /** Beside `validate`, of new objects only. */
  readonly validateCreate?: (object: KubernetesObject) => readonly FieldError[];
  readonly validateUpdate?: (
    object: KubernetesObject,
    old: KubernetesObject,
    subresource: string,
  ) => readonly FieldError[];
  /** Throws when this object may not be deleted. */
  readonly checkDelete?: (object: KubernetesObject) => void;
  /** Seconds from DELETE to removal when the request names none; undefined: at once. */
  readonly gracePeriodSeconds?: (object: KubernetesObject) => number | undefined;
  /** Marks `object` as terminating beyond deletionTimestamp. */
  readonly prepareForDelete?: (object: KubernetesObject, env: Environment) => void;
  /** True while something beside metadata.finalizers holds the object. */
  readonly isHeld?: (object: KubernetesObject, env: Environment) => boolean;
}
