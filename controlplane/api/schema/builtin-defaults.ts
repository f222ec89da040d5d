// Defaults of built-in fields that depend on nothing but their absence, as an upstream server shows them (observed
// behaviour and the API reference). Defaults that depend on other fields belong to the kind's strategy.
// By component name; `core` stands for io.k8s.api.core.v1 and so on.

type Defaults = Readonly<Record<string, unknown>>;

const FILE_MODE = 0o644;
const container: Defaults = {
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  resources: {},
};

const core: Readonly<Record<string, Defaults>> = {
  Container: container,
  EphemeralContainerCommon: container,
  ContainerPort: { protocol: 'TCP' },
  PodSpec: {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    terminationGracePeriodSeconds: 30,
    securityContext: {},
  },
  Probe: { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
  HTTPGetAction: { path: '/', scheme: 'HTTP' },
  GRPCAction: { service: '' },
  ObjectFieldSelector: { apiVersion: 'v1' },
  SecretVolumeSource: { defaultMode: FILE_MODE },
  ConfigMapVolumeSource: { defaultMode: FILE_MODE },
  DownwardAPIVolumeSource: { defaultMode: FILE_MODE },
  ProjectedVolumeSource: { defaultMode: FILE_MODE },
  ServiceAccountTokenProjection: { expirationSeconds: 3600 },
  HostPathVolumeSource: { type: '' },
  ISCSIVolumeSource: { iscsiInterface: 'default' },
  ISCSIPersistentVolumeSource: { iscsiInterface: 'default' },
  Secret: { type: 'Opaque' },
  ServiceSpec: { type: 'ClusterIP', sessionAffinity: 'None' },
  ServicePort: { protocol: 'TCP' },
  EndpointPort: { protocol: 'TCP' },
  ReplicationControllerSpec: { replicas: 1 },
  PersistentVolumeClaimSpec: { volumeMode: 'Filesystem' },
  PersistentVolumeClaimStatus: { phase: 'Pending' },
  PersistentVolumeSpec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' },
  PersistentVolumeStatus: { phase: 'Pending' },
  PodStatus: { phase: 'Pending' },
  NamespaceStatus: { phase: 'Active' },
};

const apps: Readonly<Record<string, Defaults>> = {
  DeploymentSpec: {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: {},
  },
  DeploymentStrategy: { type: 'RollingUpdate' },
  RollingUpdateDeployment: { maxSurge: '25%', maxUnavailable: '25%' },
  ReplicaSetSpec: { replicas: 1 },
  StatefulSetSpec: {
    replicas: 1,
    revisionHistoryLimit: 10,
    podManagementPolicy: 'OrderedReady',
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: {} },
    persistentVolumeClaimRetentionPolicy: {},
  },
  StatefulSetUpdateStrategy: { type: 'RollingUpdate' },
  RollingUpdateStatefulSetStrategy: { partition: 0 },
  StatefulSetPersistentVolumeClaimRetentionPolicy: {
    whenDeleted: 'Retain',
    whenScaled: 'Retain',
  },
  DaemonSetSpec: {
    revisionHistoryLimit: 10,
    updateStrategy: {},
  },
  DaemonSetUpdateStrategy: { type: 'RollingUpdate' },
  RollingUpdateDaemonSet: { maxSurge: 0, maxUnavailable: 1 },
};

const apiextensions: Readonly<Record<string, Defaults>> = {
  CustomResourceDefinitionSpec: { conversion: { strategy: 'None' } },
  ServiceReference: { port: 443 },
};

const webhook: Defaults = {
  failurePolicy: 'Fail',
  matchPolicy: 'Equivalent',
  namespaceSelector: {},
  objectSelector: {},
  timeoutSeconds: 10,
};

const admissionregistration: Readonly<Record<string, Defaults>> = {
  ValidatingWebhook: webhook,
  MutatingWebhook: { ...webhook, reinvocationPolicy: 'Never' },
  Rule: { scope: '*' },
  ServiceReference: { port: 443 },
  ValidatingAdmissionPolicySpec: { failurePolicy: 'Fail' },
  MutatingAdmissionPolicySpec: { failurePolicy: 'Fail' },
  MatchResources: { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} },
};

const batch: Readonly<Record<string, Defaults>> = {
  CronJobSpec: {
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  },
  PodFailurePolicyOnPodConditionsPattern: { status: 'True' },
};

const networking: Readonly<Record<string, Defaults>> = {
  NetworkPolicyPort: { protocol: 'TCP' },
  IngressClassParametersReference: { scope: 'Cluster' },
};

const storage: Readonly<Record<string, Defaults>> = {
  StorageClass: { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' },
  CSIDriverSpec: {
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: 'ReadWriteOnceWithFSType',
    volumeLifecycleModes: ['Persistent'],
    requiresRepublish: false,
    seLinuxMount: false,
  },
};

const flowcontrol: Readonly<Record<string, Defaults>> = {
  FlowSchemaSpec: { matchingPrecedence: 1000 },
  ExemptPriorityLevelConfiguration: { nominalConcurrencyShares: 0, lendablePercent: 0 },
  LimitedPriorityLevelConfiguration: { nominalConcurrencyShares: 30, lendablePercent: 0 },
  QueuingConfiguration: { queues: 64, handSize: 8, queueLengthLimit: 50 },
};

const deviceRequest: Defaults = { allocationMode: 'ExactCount' };

/** Component name → JSON name → value for a field that is absent. Copy before use. */
export const builtinDefaults: Readonly<Record<string, Defaults>> = {
  ...named('io.k8s.api.core.v1', core),
  ...named('io.k8s.api.apps.v1', apps),
  ...named('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1', apiextensions),
  'io.k8s.api.authentication.v1.TokenRequestSpec': { expirationSeconds: 3600 },
  ...named('io.k8s.api.admissionregistration.v1', admissionregistration),
  ...named('io.k8s.api.batch.v1', batch),
  ...named('io.k8s.api.networking.v1', networking),
  ...named('io.k8s.api.storage.v1', storage),
  ...named('io.k8s.api.flowcontrol.v1', flowcontrol),
  'io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerSpec': { minReplicas: 1 },
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec': { minReplicas: 1 },
  'io.k8s.api.discovery.v1.EndpointPort': { name: '', protocol: 'TCP' },
  'io.k8s.api.resource.v1.ExactDeviceRequest': deviceRequest,
  'io.k8s.api.resource.v1.DeviceSubRequest': deviceRequest,
  'io.k8s.api.scheduling.v1.PriorityClass': { preemptionPolicy: 'PreemptLowerPriority' },
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference': { port: 443 },
  'io.k8s.api.rbac.v1.RoleRef': { apiGroup: 'rbac.authorization.k8s.io' },
};

function named<T>(prefix: string, table: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(table).map(([name, value]) => [`${prefix}.${name}`, value]),
  );
}
