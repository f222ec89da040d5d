// Which roles are bound from the start, and to whom.
export interface BootstrapBinding {
  readonly name: string;
  /** A ClusterRole. */
  readonly role: string;
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
}

const EVERYBODY = 'system:authenticated';
const NODE_TOKENS = 'system:bootstrappers:kubeadm:default-node-token';
const ANONYMOUS = 'system:unauthenticated';

export const BOOTSTRAP_BINDINGS: readonly BootstrapBinding[] = [
  { name: 'cluster-admin', role: 'cluster-admin', groups: ['system:masters'] },
  { name: 'system:monitoring', role: 'system:monitoring', groups: ['system:monitoring'] },
  { name: 'system:discovery', role: 'system:discovery', groups: [EVERYBODY] },
  { name: 'system:basic-user', role: 'system:basic-user', groups: [EVERYBODY] },
  {
    name: 'system:public-info-viewer',
    role: 'system:public-info-viewer',
    groups: [EVERYBODY, ANONYMOUS],
  },
  {
    name: 'system:service-account-issuer-discovery',
    role: 'system:service-account-issuer-discovery',
    groups: ['system:serviceaccounts'],
  },
  {
    name: 'system:kube-scheduler',
    role: 'system:kube-scheduler',
    users: ['system:kube-scheduler'],
  },
  {
    name: 'system:volume-scheduler',
    role: 'system:volume-scheduler',
    users: ['system:kube-scheduler'],
  },
  {
    name: 'system:kube-controller-manager',
    role: 'system:kube-controller-manager',
    users: ['system:kube-controller-manager'],
  },
  // With a token that `windlass token create` or kubeadm makes a machine gets its first certificate: names and group are kubeadm's.
  {
    name: 'kubeadm:kubelet-bootstrap',
    role: 'system:node-bootstrapper',
    groups: [NODE_TOKENS],
  },
  {
    name: 'kubeadm:node-autoapprove-bootstrap',
    role: 'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
    groups: [NODE_TOKENS],
  },
  // A node renews the certificate that it has, by itself.
  {
    name: 'system:node-certificate-rotation',
    role: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
    groups: ['system:nodes'],
  },
  { name: 'system:node-proxier', role: 'system:node-proxier', users: ['system:kube-proxy'] },
];
