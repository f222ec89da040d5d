// Good objects of Kubernetes' own kinds, small ones: what the bad ones of the comparison are made of.
import type { BaseObject, Doc } from './validation-case.ts';

export const NAMESPACE = 'validation';

function namespaced(
  prefix: string,
  resource: string,
  apiVersion: string,
  kind: string,
  rest: Doc,
): BaseObject {
  const metadata = { name: 'one', namespace: NAMESPACE };
  return {
    collection: `${prefix}/namespaces/${NAMESPACE}/${resource}`,
    object: { apiVersion, kind, metadata, ...rest },
  };
}

function clusterWide(
  prefix: string,
  resource: string,
  apiVersion: string,
  kind: string,
  rest: Doc,
): BaseObject {
  return {
    collection: `${prefix}/${resource}`,
    object: { apiVersion, kind, metadata: { name: 'validation-one' }, ...rest },
  };
}

const podSpec = { containers: [{ name: 'a', image: 'hello:1' }] };
const template = { metadata: { labels: { app: 'one' } }, spec: podSpec };
const selector = { matchLabels: { app: 'one' } };
const jobTemplate = { metadata: {}, spec: { ...podSpec, restartPolicy: 'Never' } };
const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const rbacVersion = 'rbac.authorization.k8s.io/v1';
const storage = '/apis/storage.k8s.io/v1';
const storageVersion = 'storage.k8s.io/v1';
const networking = '/apis/networking.k8s.io/v1';
const networkingVersion = 'networking.k8s.io/v1';
const backend = { service: { name: 'web', port: { number: 80 } } };

export const baseObjects: Readonly<Record<string, BaseObject>> = {
  pod: namespaced('/api/v1', 'pods', 'v1', 'Pod', { spec: podSpec }),
  service: namespaced('/api/v1', 'services', 'v1', 'Service', {
    spec: { selector: { app: 'one' }, ports: [{ port: 80 }] },
  }),
  configmap: namespaced('/api/v1', 'configmaps', 'v1', 'ConfigMap', { data: { a: '1' } }),
  secret: namespaced('/api/v1', 'secrets', 'v1', 'Secret', { data: { a: 'YQ==' } }),
  serviceaccount: namespaced('/api/v1', 'serviceaccounts', 'v1', 'ServiceAccount', {}),
  claim: namespaced('/api/v1', 'persistentvolumeclaims', 'v1', 'PersistentVolumeClaim', {
    spec: claimSpec,
  }),
  quota: namespaced('/api/v1', 'resourcequotas', 'v1', 'ResourceQuota', {
    spec: { hard: { pods: '10' } },
  }),
  limits: namespaced('/api/v1', 'limitranges', 'v1', 'LimitRange', {
    spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] },
  }),
  endpoints: namespaced('/api/v1', 'endpoints', 'v1', 'Endpoints', {
    subsets: [{ addresses: [{ ip: '10.1.2.3' }], ports: [{ port: 80 }] }],
  }),
  replicationcontroller: namespaced(
    '/api/v1',
    'replicationcontrollers',
    'v1',
    'ReplicationController',
    { spec: { selector: { app: 'one' }, template } },
  ),
  podtemplate: namespaced('/api/v1', 'podtemplates', 'v1', 'PodTemplate', { template }),
  deployment: namespaced('/apis/apps/v1', 'deployments', 'apps/v1', 'Deployment', {
    spec: { selector, template },
  }),
  replicaset: namespaced('/apis/apps/v1', 'replicasets', 'apps/v1', 'ReplicaSet', {
    spec: { selector, template },
  }),
  daemonset: namespaced('/apis/apps/v1', 'daemonsets', 'apps/v1', 'DaemonSet', {
    spec: { selector, template },
  }),
  statefulset: namespaced('/apis/apps/v1', 'statefulsets', 'apps/v1', 'StatefulSet', {
    spec: { selector, template, serviceName: 'one' },
  }),
  job: namespaced('/apis/batch/v1', 'jobs', 'batch/v1', 'Job', { spec: { template: jobTemplate } }),
  cronjob: namespaced('/apis/batch/v1', 'cronjobs', 'batch/v1', 'CronJob', {
    spec: { schedule: '* * * * *', jobTemplate: { spec: { template: jobTemplate } } },
  }),
  ingress: namespaced(networking, 'ingresses', networkingVersion, 'Ingress', {
    spec: { rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] },
  }),
  ingressclass: clusterWide(networking, 'ingressclasses', networkingVersion, 'IngressClass', {
    spec: { controller: 'example.com/one' },
  }),
  networkpolicy: namespaced(networking, 'networkpolicies', networkingVersion, 'NetworkPolicy', {
    spec: { podSelector: {} },
  }),
  slice: namespaced(
    '/apis/discovery.k8s.io/v1',
    'endpointslices',
    'discovery.k8s.io/v1',
    'EndpointSlice',
    { addressType: 'IPv4', endpoints: [{ addresses: ['10.1.2.3'] }], ports: [{ port: 80 }] },
  ),
  budget: namespaced(
    '/apis/policy/v1',
    'poddisruptionbudgets',
    'policy/v1',
    'PodDisruptionBudget',
    {
      spec: { minAvailable: 1, selector },
    },
  ),
  autoscaler: namespaced(
    '/apis/autoscaling/v2',
    'horizontalpodautoscalers',
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    {
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'one' },
        maxReplicas: 3,
      },
    },
  ),
  lease: namespaced('/apis/coordination.k8s.io/v1', 'leases', 'coordination.k8s.io/v1', 'Lease', {
    spec: { holderIdentity: 'a', leaseDurationSeconds: 15 },
  }),
  role: namespaced(rbac, 'roles', rbacVersion, 'Role', {
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
  }),
  clusterrole: clusterWide(rbac, 'clusterroles', rbacVersion, 'ClusterRole', {
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
  }),
  rolebinding: namespaced(rbac, 'rolebindings', rbacVersion, 'RoleBinding', {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'one' },
    subjects: [{ kind: 'ServiceAccount', name: 'a', namespace: NAMESPACE }],
  }),
  clusterrolebinding: clusterWide(rbac, 'clusterrolebindings', rbacVersion, 'ClusterRoleBinding', {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'one' },
    subjects: [{ kind: 'ServiceAccount', name: 'a', namespace: NAMESPACE }],
  }),
  storageclass: clusterWide(storage, 'storageclasses', storageVersion, 'StorageClass', {
    provisioner: 'example.com/one',
  }),
  csidriver: clusterWide(storage, 'csidrivers', storageVersion, 'CSIDriver', { spec: {} }),
  csinode: clusterWide(storage, 'csinodes', storageVersion, 'CSINode', {
    spec: { drivers: [{ name: 'a.example.com', nodeID: 'a' }] },
  }),
  capacity: namespaced(storage, 'csistoragecapacities', storageVersion, 'CSIStorageCapacity', {
    storageClassName: 'a',
  }),
  attachment: clusterWide(storage, 'volumeattachments', storageVersion, 'VolumeAttachment', {
    spec: { attacher: 'a.example.com', nodeName: 'a', source: { persistentVolumeName: 'a' } },
  }),
  attributes: clusterWide(
    storage,
    'volumeattributesclasses',
    storageVersion,
    'VolumeAttributesClass',
    { driverName: 'a.example.com', parameters: { a: '1' } },
  ),
  volume: clusterWide('/api/v1', 'persistentvolumes', 'v1', 'PersistentVolume', {
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      hostPath: { path: '/data' },
    },
  }),
  node: clusterWide('/api/v1', 'nodes', 'v1', 'Node', {}),
  namespace: clusterWide('/api/v1', 'namespaces', 'v1', 'Namespace', {}),
  priorityclass: clusterWide(
    '/apis/scheduling.k8s.io/v1',
    'priorityclasses',
    'scheduling.k8s.io/v1',
    'PriorityClass',
    { value: 10 },
  ),
  runtimeclass: clusterWide(
    '/apis/node.k8s.io/v1',
    'runtimeclasses',
    'node.k8s.io/v1',
    'RuntimeClass',
    { handler: 'one' },
  ),
};
