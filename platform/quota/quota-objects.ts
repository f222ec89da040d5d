// The parts of objects that quotas look at.

/** Names → quantities as text. */
export type Texts = Readonly<Record<string, string | undefined>>;

export interface QuotaResources {
  readonly requests?: Texts;
  readonly limits?: Texts;
}

export interface QuotaContainer {
  readonly name: string;
  readonly resources?: QuotaResources;
  readonly restartPolicy?: string;
}

interface Status {
  readonly name: string;
  readonly resources?: QuotaResources;
}

interface AffinityTerm {
  readonly namespaces?: readonly string[];
  readonly namespaceSelector?: object;
}

interface Affinity {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly AffinityTerm[];
  readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly {
    readonly podAffinityTerm?: AffinityTerm;
  }[];
}

export interface QuotaMetadata {
  readonly name?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
}

export interface QuotaPod {
  readonly metadata: QuotaMetadata;
  readonly spec?: {
    readonly containers?: readonly QuotaContainer[];
    readonly initContainers?: readonly QuotaContainer[];
    readonly resources?: QuotaResources;
    readonly overhead?: Texts;
    readonly activeDeadlineSeconds?: number;
    readonly priorityClassName?: string;
    readonly affinity?: { readonly podAffinity?: Affinity; readonly podAntiAffinity?: Affinity };
  };
  readonly status?: {
    readonly phase?: string;
    readonly containerStatuses?: readonly Status[];
    readonly initContainerStatuses?: readonly Status[];
  };
}

export interface QuotaClaim {
  readonly metadata: QuotaMetadata;
  readonly spec?: {
    readonly storageClassName?: string;
    readonly volumeAttributesClassName?: string;
    readonly resources?: QuotaResources;
  };
  readonly status?: {
    readonly allocatedResources?: Texts;
    readonly currentVolumeAttributesClassName?: string;
  };
}

export interface QuotaService {
  readonly metadata: QuotaMetadata;
  readonly spec?: {
    readonly type?: string;
    readonly allocateLoadBalancerNodePorts?: boolean;
    readonly ports?: readonly { readonly nodePort?: number }[];
  };
}

/** What one request of a ResourceClaim asks of a DeviceClass. */
export interface QuotaDevices {
  readonly deviceClassName?: string;
  readonly allocationMode?: string;
  readonly count?: number;
}

export interface QuotaResourceClaim {
  readonly metadata: QuotaMetadata;
  readonly spec?: {
    readonly devices?: {
      readonly requests?: readonly {
        readonly exactly?: QuotaDevices;
        readonly firstAvailable?: readonly QuotaDevices[];
      }[];
    };
  };
}

/** `spec` of a ResourceQuota. */
export interface QuotaSpec {
  readonly hard?: Texts;
  readonly scopes?: readonly string[];
  readonly scopeSelector?: { readonly matchExpressions?: readonly ScopeRequirement[] };
}

export interface ScopeRequirement {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[];
}
