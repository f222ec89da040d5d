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
    fields: { replicas: notNegative, minReadySeconds: notNegative },
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

const webhook: Constraints = {
  required: ['name', 'clientConfig', 'sideEffects', 'admissionReviewVersions'],
};

const admissionregistration: Readonly<Record<string, Constraints>> = {
  ValidatingWebhook: webhook,
  MutatingWebhook: webhook,
  ServiceReference: { required: ['namespace', 'name'] },
  MatchCondition: { required: ['name', 'expression'] },
  Validation: { required: ['expression'] },
  Variable: { required: ['name', 'expression'] },
  AuditAnnotation: { required: ['key', 'valueExpression'] },
};

const batch: Readonly<Record<string, Constraints>> = {
  JobSpec: {
    required: ['template'],
    fields: {
      parallelism: notNegative,
      completions: notNegative,
      activeDeadlineSeconds: notNegative,
      backoffLimit: notNegative,
      backoffLimitPerIndex: notNegative,
      maxFailedIndexes: notNegative,
      ttlSecondsAfterFinished: notNegative,
      completionMode: { enum: ['NonIndexed', 'Indexed'] },
      podReplacementPolicy: { enum: ['Failed', 'TerminatingOrFailed'] },
    },
  },
  CronJobSpec: {
    required: ['schedule', 'jobTemplate'],
    fields: {
      startingDeadlineSeconds: notNegative,
      successfulJobsHistoryLimit: notNegative,
      failedJobsHistoryLimit: notNegative,
    },
  },
};

const autoscaler: Constraints = {
  required: ['scaleTargetRef', 'maxReplicas'],
  fields: { maxReplicas: positive, minReplicas: positive },
};
const scaleTarget: Constraints = { required: ['kind', 'name'] };

const networking: Readonly<Record<string, Constraints>> = {
  HTTPIngressPath: {
    required: ['backend', 'pathType'],
    fields: { pathType: { enum: ['Exact', 'ImplementationSpecific', 'Prefix'] } },
  },
  HTTPIngressRuleValue: { required: ['paths'] },
  IngressServiceBackend: { required: ['name'] },
  IngressClassSpec: { required: ['controller'] },
  IngressClassParametersReference: {
    required: ['kind', 'name'],
    fields: { scope: { enum: ['Cluster', 'Namespace'] } },
  },
  IPBlock: { required: ['cidr'] },
  IPAddress: { required: ['spec'] },
  IPAddressSpec: { required: ['parentRef'] },
  ParentReference: { required: ['resource', 'name'] },
};

const storage: Readonly<Record<string, Constraints>> = {
  StorageClass: {
    required: ['provisioner'],
    fields: { reclaimPolicy: { enum: ['Delete', 'Retain'] } },
  },
  VolumeAttributesClass: { required: ['driverName'] },
  VolumeAttachmentSpec: { required: ['attacher', 'source', 'nodeName'] },
  CSINodeDriver: { required: ['name', 'nodeID'] },
  CSIStorageCapacity: { required: ['storageClassName'] },
  CSIDriverSpec: {
    fields: {
      fsGroupPolicy: { enum: ['ReadWriteOnceWithFSType', 'File', 'None'] },
      volumeLifecycleModes: {
        items: { type: 'string', enum: ['Ephemeral', 'Persistent'] },
      },
    },
  },
};

const flowcontrol: Readonly<Record<string, Constraints>> = {
  FlowSchemaSpec: {
    required: ['priorityLevelConfiguration'],
    fields: { matchingPrecedence: { minimum: 1, maximum: 10_000 } },
  },
  PriorityLevelConfigurationReference: { required: ['name'] },
  PriorityLevelConfigurationSpec: {
    required: ['type'],
    fields: { type: { enum: ['Exempt', 'Limited'] } },
  },
};

const resource: Readonly<Record<string, Constraints>> = {
  DeviceRequest: { required: ['name'] },
  ExactDeviceRequest: {
    required: ['deviceClassName'],
    fields: { allocationMode: { enum: ['All', 'ExactCount'] } },
  },
  DeviceSubRequest: { required: ['name', 'deviceClassName'] },
  ResourceClaimTemplate: { required: ['spec'] },
  ResourceSliceSpec: { required: ['driver', 'pool'] },
  ResourcePool: { required: ['name', 'resourceSliceCount'] },
  Device: { required: ['name'] },
  DeviceTaint: { required: ['key', 'effect'] },
  DeviceTaintRuleSpec: { required: ['taint'] },
};

/** By component name. */
export const builtinConstraints: Readonly<Record<string, Constraints>> = {
  ...named('io.k8s.api.core.v1', core),
  ...named('io.k8s.api.apps.v1', apps),
  ...named('io.k8s.api.rbac.v1', rbac),
  ...named('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1', apiextensions),
  ...named('io.k8s.api.admissionregistration.v1', admissionregistration),
  ...named('io.k8s.api.batch.v1', batch),
  ...named('io.k8s.api.networking.v1', networking),
  ...named('io.k8s.api.storage.v1', storage),
  ...named('io.k8s.api.flowcontrol.v1', flowcontrol),
  ...named('io.k8s.api.resource.v1', resource),
  'io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerSpec': autoscaler,
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec': autoscaler,
  'io.k8s.api.autoscaling.v1.CrossVersionObjectReference': scaleTarget,
  'io.k8s.api.autoscaling.v2.CrossVersionObjectReference': scaleTarget,
  'io.k8s.api.discovery.v1.EndpointSlice': {
    required: ['addressType'],
    fields: { addressType: { enum: ['FQDN', 'IPv4', 'IPv6'] } },
  },
  'io.k8s.api.discovery.v1.Endpoint': { required: ['addresses'] },
  'io.k8s.api.node.v1.RuntimeClass': { required: ['handler'] },
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec': {
    required: ['groupPriorityMinimum', 'versionPriority'],
    fields: {
      groupPriorityMinimum: { minimum: 1, maximum: 20_000 },
      versionPriority: { minimum: 1, maximum: 1000 },
    },
  },
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference': {
    required: ['namespace', 'name'],
  },
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
