// Required fields and ranges of built-in types: what an upstream server refuses whatever the rest of the object says
// (from the API reference). Closed sets of strings come from the corpus; rules across fields belong to strategies.
import type { Schema } from './schema.ts';

export interface Constraints {
  /** JSON names; an empty string counts as missing. */
  readonly required?: readonly string[];
  /** Facts to add to the schema of a field. */
  readonly fields?: Readonly<Record<string, Partial<Schema>>>;
}

const port: Partial<Schema> = { minimum: 1, maximum: 65_535 };
const notNegative: Partial<Schema> = { minimum: 0 };
const positive: Partial<Schema> = { minimum: 1 };
const fileMode: Partial<Schema> = { minimum: 0, maximum: 0o777 };
const userOrGroup: Partial<Schema> = { minimum: 0, maximum: 2_147_483_647 };

const core: Readonly<Record<string, Constraints>> = {
  PodSpec: {
    required: ['containers'],
    fields: {
      containers: { minItems: 1 },
      terminationGracePeriodSeconds: notNegative,
      activeDeadlineSeconds: { minimum: 1, maximum: 2_147_483_647 },
    },
  },
  Container: { required: ['name', 'image'] },
  EphemeralContainerCommon: { required: ['name', 'image'] },
  ContainerPort: {
    required: ['containerPort'],
    fields: { containerPort: port, hostPort: { minimum: 0, maximum: 65_535 } },
  },
  EnvVar: { required: ['name'] },
  VolumeMount: { required: ['name', 'mountPath'] },
  VolumeDevice: { required: ['name', 'devicePath'] },
  Volume: { required: ['name'] },
  Probe: {
    fields: {
      initialDelaySeconds: notNegative,
      timeoutSeconds: notNegative,
      periodSeconds: notNegative,
      successThreshold: notNegative,
      failureThreshold: notNegative,
      terminationGracePeriodSeconds: positive,
    },
  },
  HTTPGetAction: { required: ['port'] },
  TCPSocketAction: { required: ['port'] },
  GRPCAction: { required: ['port'], fields: { port } },
  SecurityContext: { fields: { runAsUser: userOrGroup, runAsGroup: userOrGroup } },
  PodSecurityContext: {
    fields: { runAsUser: userOrGroup, runAsGroup: userOrGroup, fsGroup: userOrGroup },
  },
  ConfigMapKeySelector: { required: ['key'] },
  SecretKeySelector: { required: ['key'] },
  ObjectFieldSelector: { required: ['fieldPath'] },
  ResourceFieldSelector: { required: ['resource'] },
  KeyToPath: { required: ['key', 'path'], fields: { mode: fileMode } },
  DownwardAPIVolumeFile: { required: ['path'], fields: { mode: fileMode } },
  SecretVolumeSource: { fields: { defaultMode: fileMode } },
  ConfigMapVolumeSource: { fields: { defaultMode: fileMode } },
  DownwardAPIVolumeSource: { fields: { defaultMode: fileMode } },
  ProjectedVolumeSource: { fields: { defaultMode: fileMode } },
  ServiceAccountTokenProjection: {
    required: ['path'],
    fields: { expirationSeconds: { minimum: 600, maximum: 4_294_967_296 } },
  },
  PersistentVolumeClaimVolumeSource: { required: ['claimName'] },
  HostPathVolumeSource: { required: ['path'] },
  NFSVolumeSource: { required: ['server', 'path'] },
  HostAlias: { required: ['ip'] },
  NodeSelector: { required: ['nodeSelectorTerms'], fields: { nodeSelectorTerms: { minItems: 1 } } },
  NodeSelectorRequirement: { required: ['key', 'operator'] },
  PodAffinityTerm: { required: ['topologyKey'] },
  PreferredSchedulingTerm: { fields: { weight: { minimum: 1, maximum: 100 } } },
  WeightedPodAffinityTerm: { fields: { weight: { minimum: 1, maximum: 100 } } },
  TopologySpreadConstraint: {
    required: ['maxSkew', 'topologyKey', 'whenUnsatisfiable'],
    fields: { maxSkew: positive },
  },
  Taint: { required: ['key', 'effect'] },
  ServicePort: { required: ['port'], fields: { port } },
  EndpointPort: { required: ['port'], fields: { port } },
  EndpointAddress: { required: ['ip'] },
  PersistentVolumeClaimSpec: {
    required: ['accessModes'],
    fields: { accessModes: { minItems: 1 } },
  },
  ReplicationControllerSpec: { required: ['template'], fields: { replicas: notNegative } },
  Binding: { required: ['target'] },
  LimitRangeItem: { required: ['type'] },
};

const selectorAndTemplate = ['selector', 'template'];

const apps: Readonly<Record<string, Constraints>> = {
  DeploymentSpec: {
    required: selectorAndTemplate,
    fields: {
      replicas: notNegative,
      minReadySeconds: notNegative,
      revisionHistoryLimit: notNegative,
      progressDeadlineSeconds: notNegative,
    },
  },
  ReplicaSetSpec: {
    required: selectorAndTemplate,
    fields: { replicas: notNegative, minReadySeconds: notNegative },
  },
  StatefulSetSpec: {
    required: selectorAndTemplate,
    fields: {
      replicas: notNegative,
      minReadySeconds: notNegative,
      revisionHistoryLimit: notNegative,
    },
  },
  DaemonSetSpec: {
    required: selectorAndTemplate,
    fields: { minReadySeconds: notNegative, revisionHistoryLimit: notNegative },
  },
};

const rbac: Readonly<Record<string, Constraints>> = {
  PolicyRule: { required: ['verbs'] },
  RoleBinding: { required: ['roleRef'] },
  ClusterRoleBinding: { required: ['roleRef'] },
  RoleRef: { required: ['kind', 'name'] },
  Subject: { required: ['kind', 'name'] },
};

const apiextensions: Readonly<Record<string, Constraints>> = {
  CustomResourceDefinition: { required: ['spec'] },
  CustomResourceDefinitionSpec: {
    required: ['group', 'names', 'scope', 'versions'],
    fields: { versions: { minItems: 1 }, scope: { enum: ['Cluster', 'Namespaced'] } },
  },
  CustomResourceDefinitionNames: { required: ['plural', 'kind'] },
  CustomResourceDefinitionVersion: { required: ['name', 'served', 'storage'] },
  CustomResourceColumnDefinition: { required: ['name', 'type', 'jsonPath'] },
  CustomResourceConversion: {
    required: ['strategy'],
    fields: { strategy: { enum: ['None', 'Webhook'] } },
  },
  CustomResourceSubresourceScale: { required: ['specReplicasPath', 'statusReplicasPath'] },
};

/** By component name. */
export const builtinConstraints: Readonly<Record<string, Constraints>> = {
  ...named('io.k8s.api.core.v1', core),
  ...named('io.k8s.api.apps.v1', apps),
  ...named('io.k8s.api.rbac.v1', rbac),
  ...named('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1', apiextensions),
  'io.k8s.api.coordination.v1.LeaseSpec': {
    fields: { leaseDurationSeconds: positive, leaseTransitions: notNegative },
  },
  'io.k8s.api.authentication.v1.TokenRequestSpec': {
    fields: { expirationSeconds: { minimum: 600, maximum: 4_294_967_296 } },
  },
  'io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference': {
    required: ['apiVersion', 'kind', 'name', 'uid'],
  },
  'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement': {
    required: ['key', 'operator'],
  },
};

function named(
  prefix: string,
  table: Readonly<Record<string, Constraints>>,
): Record<string, Constraints> {
  return Object.fromEntries(
    Object.entries(table).map(([name, value]) => [`${prefix}.${name}`, value]),
  );
}
