// The roles of everybody, and of programs that are part of clusters: what clients and add-ons expect to find, by upstream's names.
import { pathRule, rule } from './rule-words.ts';
import type { BootstrapRole } from './user-roles.ts';

const READ = 'get list watch';
const HEALTH = '/healthz /healthz/* /livez /livez/* /readyz /readyz/*';
const VERSION = '/version /version/';
const EVENTS = rule('create patch update', 'core events.k8s.io', 'events');
const LEADER = (name: string): BootstrapRole['rules'] => [
  rule('create', 'coordination.k8s.io', 'leases'),
  rule('get list patch update watch', 'coordination.k8s.io', 'leases', name),
];
const REVIEWS = [
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
];
const CSR = 'certificates.k8s.io';
const APPROVER = (signer: string): BootstrapRole['rules'] => [
  rule('approve', CSR, 'signers', signer),
];

export const SYSTEM_ROLES: readonly BootstrapRole[] = [
  {
    name: 'system:discovery',
    rules: [pathRule('get', `/api /api/* /apis /apis/* /openapi /openapi/* ${HEALTH} ${VERSION}`)],
  },
  { name: 'system:public-info-viewer', rules: [pathRule('get', `${HEALTH} ${VERSION}`)] },
  {
    name: 'system:basic-user',
    rules: [
      rule('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
      rule('create', 'authentication.k8s.io', 'selfsubjectreviews'),
    ],
  },
  {
    name: 'system:monitoring',
    rules: [pathRule('get', `/metrics /metrics/slis ${HEALTH}`)],
  },
  {
    name: 'system:service-account-issuer-discovery',
    rules: [
      pathRule(
        'get',
        '/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/',
      ),
    ],
  },
  { name: 'system:auth-delegator', rules: REVIEWS },
  {
    name: 'system:kubelet-api-admin',
    rules: [
      rule(READ, 'core', 'nodes'),
      rule('proxy', 'core', 'nodes'),
      rule('*', 'core', 'nodes/log nodes/metrics nodes/proxy nodes/stats'),
    ],
  },
  {
    name: 'system:node',
    rules: [
      ...REVIEWS,
      rule('create get list watch', 'core', 'nodes'),
      rule('patch update', 'core', 'nodes nodes/status'),
      EVENTS,
      rule(READ, 'core', 'pods services'),
      rule('create delete', 'core', 'pods'),
      rule('patch update', 'core', 'pods/status'),
      rule('create', 'core', 'pods/eviction'),
      rule(READ, 'core', 'configmaps secrets'),
      rule('get', 'core', 'persistentvolumeclaims persistentvolumes'),
      rule('create get list watch', CSR, 'certificatesigningrequests'),
      rule('create delete get patch update', 'coordination.k8s.io', 'leases'),
      rule('create', 'core', 'serviceaccounts/token'),
    ],
  },
  {
    name: 'system:node-bootstrapper',
    rules: [rule('create get list watch', CSR, 'certificatesigningrequests')],
  },
  {
    name: 'system:node-problem-detector',
    rules: [rule('get', 'core', 'nodes'), rule('patch', 'core', 'nodes/status'), EVENTS],
  },
  {
    name: 'system:node-proxier',
    rules: [
      rule('list watch', 'core', 'endpoints services'),
      rule(READ, 'core', 'nodes'),
      rule('list watch', 'discovery.k8s.io', 'endpointslices'),
      EVENTS,
    ],
  },
  {
    name: 'system:kube-dns',
    rules: [rule('list watch', 'core', 'endpoints services')],
  },
  {
    name: 'system:kube-scheduler',
    rules: [
      ...LEADER('kube-scheduler'),
      ...REVIEWS,
      EVENTS,
      rule(READ, 'core', 'namespaces nodes persistentvolumeclaims persistentvolumes pods services'),
      rule('delete', 'core', 'pods'),
      rule('create', 'core', 'bindings pods/binding'),
      rule('patch update', 'core', 'pods/status'),
      rule(READ, 'core', 'replicationcontrollers'),
      rule(READ, 'apps', 'replicasets statefulsets'),
      rule(READ, 'policy', 'poddisruptionbudgets'),
      rule(READ, 'storage.k8s.io', 'csidrivers csinodes csistoragecapacities storageclasses'),
    ],
  },
  {
    name: 'system:volume-scheduler',
    rules: [
      rule('get list patch update watch', 'core', 'persistentvolumes persistentvolumeclaims'),
      rule(READ, 'storage.k8s.io', 'storageclasses'),
    ],
  },
  {
    name: 'system:persistent-volume-provisioner',
    rules: [
      rule('create delete get list watch', 'core', 'persistentvolumes'),
      rule('get list update watch', 'core', 'persistentvolumeclaims'),
      rule(READ, 'storage.k8s.io', 'storageclasses'),
      rule('watch', 'core', 'events'),
      EVENTS,
    ],
  },
  {
    name: 'system:kube-controller-manager',
    rules: [
      ...LEADER('kube-controller-manager'),
      ...REVIEWS,
      EVENTS,
      rule('create', 'core', 'secrets serviceaccounts serviceaccounts/token'),
      rule('delete', 'core', 'secrets'),
      rule('get', 'core', 'configmaps namespaces secrets serviceaccounts'),
      rule('update', 'core', 'secrets serviceaccounts'),
      rule('list watch', '*', '*'),
    ],
  },
  {
    name: `system:${CSR}:certificatesigningrequests:nodeclient`,
    rules: [rule('create', CSR, 'certificatesigningrequests/nodeclient')],
  },
  {
    name: `system:${CSR}:certificatesigningrequests:selfnodeclient`,
    rules: [rule('create', CSR, 'certificatesigningrequests/selfnodeclient')],
  },
  {
    name: `system:${CSR}:kube-apiserver-client-approver`,
    rules: APPROVER('kubernetes.io/kube-apiserver-client'),
  },
  {
    name: `system:${CSR}:kube-apiserver-client-kubelet-approver`,
    rules: APPROVER('kubernetes.io/kube-apiserver-client-kubelet'),
  },
  {
    name: `system:${CSR}:kubelet-serving-approver`,
    rules: APPROVER('kubernetes.io/kubelet-serving'),
  },
  {
    name: `system:${CSR}:legacy-unknown-approver`,
    rules: APPROVER('kubernetes.io/legacy-unknown'),
  },
];
