// The InfraProvider object, as the API has it.
import type { ProviderType } from '../infrastructure/open-provider.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import type { Condition } from '../machinery/conditions.ts';

export interface InfraProviderSpec {
  readonly type: ProviderType;
  readonly credentialsSecretRef?: { readonly name: string; readonly key?: string };
  readonly endpoint?: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly labelScheme?: string;
  readonly adoptedClusters?: readonly string[];
  readonly limits?: { readonly parallel?: number; readonly nodeTimeout?: string };
}

export interface SeenCluster {
  readonly name: string;
  /** UID of the Cluster that made it, by label. */
  readonly uid?: string;
  /** Whether we may act on it. */
  readonly owned: boolean;
  readonly phase: string;
  readonly nodesTotal: number;
  readonly nodesReady: number;
}

/** A node with labels of ours whose Cluster this API does not have. */
export interface Orphan {
  readonly name: string;
  readonly cluster: string;
  readonly clusterUID: string;
}

export interface InfraProviderStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly capabilities?: readonly string[];
  readonly clusters?: readonly SeenCluster[];
  readonly orphans?: readonly Orphan[];
}

export interface InfraProvider extends ApiObject {
  readonly spec: InfraProviderSpec;
  readonly status?: InfraProviderStatus;
}
