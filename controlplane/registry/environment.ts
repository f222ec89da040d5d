// What every part of the registry works with. Made once by createRegistry().
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { Scheme } from '#controlplane/api/scheme.ts';
import type { StoredObject, Store } from '#controlplane/store/types.ts';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import type { Admission } from './admission.ts';
import type { Conversions } from './conversion.ts';
import type { PodSecurityMetrics } from './pod-security/metrics.ts';
import type { PriorityClasses } from './priority-classes.ts';
import type { PrivilegeGuard } from './privileges.ts';
import type { QuotaLedger } from './quota-ledger.ts';
import type { ServiceAddresses } from './service-addresses.ts';

export interface RegistryOptions {
  readonly scheme: Scheme;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  /** Absent: nobody here calls conversion webhooks. */
  readonly conversions?: Conversions;
  /** Absent: whoever may write roles and bindings may hand out anything. */
  readonly privileges?: PrivilegeGuard;
  /** Absent: nobody counts. */
  readonly metrics?: MetricsRegistry;
  /** Absent: there are no webhooks or policies to ask. */
  readonly admission?: Admission;
}

/** Names that definitions of a group have been given. */
export interface NamesInUse {
  /** Plurals, singulars and short names. */
  readonly resources: ReadonlySet<string>;
  /** Kinds and kinds of lists. */
  readonly kinds: ReadonlySet<string>;
}

/** How writes meet the life of custom kinds; implemented by crds.ts. */
export interface CustomResourceHooks {
  /** @throws ApiError Forbidden while the kind's definition is terminating */
  admitCreate(definition: ResourceDefinition, name: string): void;
  /** What the definitions of `group` have accepted, but for the one named `except`. */
  acceptedNames(group: string, except: string): NamesInUse;
  /** After an object became durable. */
  written(definition: ResourceDefinition, stored: StoredObject): void;
  /** After an object's removal became durable. */
  removed(definition: ResourceDefinition, stored: StoredObject): void;
}

export interface Environment extends RegistryOptions {
  readonly customResources: CustomResourceHooks;
  readonly serviceAddresses: ServiceAddresses;
  readonly quotas: QuotaLedger;
  readonly podSecurity: PodSecurityMetrics | undefined;
  readonly priorityClasses: PriorityClasses;
  readonly conversions: Conversions;
  /**
   * Namespaces and CustomResourceDefinitions whose deletion is being written, as `<storage key>/<name>`: not yet visible,
   * yet nothing new may start in them. What was queued before lands before; what comes after is refused.
   */
  readonly terminating: Set<string>;
}
