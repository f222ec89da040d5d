// The kinds that controllers ask for by name. Everything else is found by discovery.
import type { ApiResource } from './client-types.ts';

export const PODS: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'pods',
  kind: 'Pod',
  namespaced: true,
};

export const NODES: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'nodes',
  kind: 'Node',
  namespaced: false,
};

export const EVENTS: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'events',
  kind: 'Event',
  namespaced: true,
};

export const NAMESPACES: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};

export const CONFIG_MAPS: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

export const PERSISTENT_VOLUME_CLAIMS: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'persistentvolumeclaims',
  kind: 'PersistentVolumeClaim',
  namespaced: true,
};

export const SERVICE_ACCOUNTS: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
};

export const CONTROLLER_REVISIONS: ApiResource = {
  group: 'apps',
  version: 'v1',
  resource: 'controllerrevisions',
  kind: 'ControllerRevision',
  namespaced: true,
};

export const RESOURCE_QUOTAS: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'resourcequotas',
  kind: 'ResourceQuota',
  namespaced: true,
};

export const LEASES: ApiResource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  resource: 'leases',
  kind: 'Lease',
  namespaced: true,
};

export const POD_DISRUPTION_BUDGETS: ApiResource = {
  group: 'policy',
  version: 'v1',
  resource: 'poddisruptionbudgets',
  kind: 'PodDisruptionBudget',
  namespaced: true,
};

export const CUSTOM_RESOURCE_DEFINITIONS: ApiResource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  resource: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

export const PERSISTENCE_INSTANCES: ApiResource = {
  group: 'windlass.dev',
  version: 'v1alpha1',
  resource: 'persistenceinstances',
  kind: 'PersistenceInstance',
  namespaced: false,
};

export const SERVICES: ApiResource = {
  group: 'windlass.dev',
  version: 'v1alpha1',
  resource: 'services',
  kind: 'Service',
  namespaced: true,
};

export const SECRETS: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'secrets',
  kind: 'Secret',
  namespaced: true,
};

export const CLUSTERS: ApiResource = {
  group: 'windlass.dev',
  version: 'v1alpha1',
  resource: 'clusters',
  kind: 'Cluster',
  namespaced: true,
};

export const INFRA_PROVIDERS: ApiResource = {
  group: 'windlass.dev',
  version: 'v1alpha1',
  resource: 'infraproviders',
  kind: 'InfraProvider',
  namespaced: true,
};

export const ARTIFACTS: ApiResource = {
  group: 'windlass.dev',
  version: 'v1alpha1',
  resource: 'artifacts',
  kind: 'Artifact',
  namespaced: true,
};

export const MACHINES: ApiResource = {
  group: 'windlass.dev',
  version: 'v1alpha1',
  resource: 'machines',
  kind: 'Machine',
  namespaced: true,
};

/** The built-in kind; SERVICES are ours. */
export const CORE_SERVICES: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'services',
  kind: 'Service',
  namespaced: true,
};

export const ENDPOINTS: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'endpoints',
  kind: 'Endpoints',
  namespaced: true,
};

export const ENDPOINT_SLICES: ApiResource = {
  group: 'discovery.k8s.io',
  version: 'v1',
  resource: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
};

export const CLUSTER_ROLE_BINDINGS: ApiResource = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  resource: 'clusterrolebindings',
  kind: 'ClusterRoleBinding',
  namespaced: false,
};

export const TOKEN_REVIEWS: ApiResource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  resource: 'tokenreviews',
  kind: 'TokenReview',
  namespaced: false,
};

export const SUBJECT_ACCESS_REVIEWS: ApiResource = {
  group: 'authorization.k8s.io',
  version: 'v1',
  resource: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
};
