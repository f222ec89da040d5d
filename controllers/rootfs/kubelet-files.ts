// The kubelet of a node: its unit and what is added to it, its configuration, and what it joins with. Pure.
import { CONTAINERD_SOCKET } from './containerd-files.ts';
import { GoalError } from './goal-state.ts';
import type { NodeGoal, RootFS } from './goal-state.ts';
import type { NodeCredential } from './node-credential.ts';
import type { NodeFile } from './node-file.ts';

const UNIT_FOLDER = 'etc/systemd/system';
const CONFIGURATION = 'etc/kubernetes/kubelet.yaml';
const AUTHORITY = 'etc/kubernetes/pki/ca.crt';
/** The kubelet writes it itself when it joins with a token. */
const KUBECONFIG = 'var/lib/kubelet/kubeconfig';
export const BOOTSTRAP_KUBECONFIG = 'var/lib/kubelet/bootstrap-kubeconfig';
export const MANIFESTS = 'etc/kubernetes/manifests';
const SECRET = 0o600;
const HEADER = '# Written by Windlass; changed here, it is changed back.\n';

const UNIT = `${HEADER}[Unit]
Description=Node agent of Kubernetes
After=containerd.service
Wants=containerd.service
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/local/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_NODE_ARGS $KUBELET_EXTRA_ARGS
Environment="KUBELET_CONFIG_ARGS=--config=/${CONFIGURATION}"
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
`;

/** Labels of Kubernetes' own that a kubelet may give itself; with any other one it refuses to start. */
const OWN_LABELS = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'node.kubernetes.io/instance-type',
]);
const OWN_PREFIXES = ['kubelet.kubernetes.io', 'node.kubernetes.io'];

/** @throws GoalError for a word that does not fit in a unit */
export function kubeletFiles(
  goal: Pick<RootFS, 'node'> & { readonly node: NodeGoal },
  credential: NodeCredential,
): readonly NodeFile[] {
  const { node } = goal;
  const unit = 'kubelet.service';
  const isToken = credential.kind === 'token';
  const configuration = [
    ...(isToken ? [`--bootstrap-kubeconfig=/${BOOTSTRAP_KUBECONFIG}`] : []),
    `--kubeconfig=/${KUBECONFIG}`,
  ];
  const dropIn = (name: string, lines: string): NodeFile => ({
    path: `${UNIT_FOLDER}/kubelet.service.d/${name}.conf`,
    content: `${HEADER}[Service]\n${lines}\n`,
  });
  return [
    { path: `${UNIT_FOLDER}/kubelet.service`, content: UNIT, unit },
    { ...dropIn('10-kubeconfig', environment('KUBELET_KUBECONFIG_ARGS', configuration)), unit },
    // Not with a restart: labels and taints of a Node that is there are changed on the Node.
    dropIn('20-node-config', environment('KUBELET_NODE_ARGS', nodeArguments(node))),
    dropIn('50-env-file', 'EnvironmentFile=-/etc/default/kubelet'),
    { path: CONFIGURATION, content: kubeletConfiguration(node, credential), unit },
    ...(credential.ca === undefined ? [] : [{ path: AUTHORITY, content: credential.ca, unit }]),
    {
      path: isToken ? BOOTSTRAP_KUBECONFIG : KUBECONFIG,
      content: kubeconfig(node, credential),
      mode: SECRET,
      unit,
    },
  ];
}

function nodeArguments(node: NodeGoal): readonly string[] {
  const labels = Object.entries(node.labels)
    .filter(([name]) => maySetItself(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  const taints = node.taints.map(({ key, value = '', effect }) => `${key}=${value}:${effect}`);
  return [
    `--hostname-override=${node.name}`,
    ...(node.nodeIP === undefined ? [] : [`--node-ip=${node.nodeIP}`]),
    ...(labels.length === 0 ? [] : [`--node-labels=${labels.join(',')}`]),
    ...(taints.length === 0 ? [] : [`--register-with-taints=${taints.join(',')}`]),
  ];
}

/** The others get onto the Node once it is there. */
function maySetItself(label: string): boolean {
  const [prefix = ''] = label.includes('/') ? label.split('/') : [];
  const isOf = (domain: string): boolean => prefix === domain || prefix.endsWith(`.${domain}`);
  if (!isOf('kubernetes.io') && !isOf('k8s.io')) return true;
  return OWN_LABELS.has(label) || OWN_PREFIXES.some(isOf);
}

function environment(name: string, words: readonly string[]): string {
  const bad = words.find((word) => !/^[\w.,:=/@[\]-]+$/.test(word));
  if (bad !== undefined)
    throw new GoalError(`spec.node: ${JSON.stringify(bad)} cannot be an argument of the kubelet`);
  return `Environment="${name}=${words.join(' ')}"`;
}

/** JSON, which is YAML. */
function kubeletConfiguration(
  { clusterDNS = [], clusterDomain = 'cluster.local' }: NodeGoal,
  { ca }: NodeCredential,
): string {
  return json({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      ...(ca === undefined ? {} : { x509: { clientCAFile: `/${AUTHORITY}` } }),
    },
    authorization: { mode: 'Webhook' },
    cgroupDriver: 'systemd',
    containerRuntimeEndpoint: CONTAINERD_SOCKET,
    ...(clusterDNS.length === 0 ? {} : { clusterDNS, clusterDomain }),
    // The host's own swap is not the machine's to turn off; a check tells of it.
    failSwapOn: false,
    readOnlyPort: 0,
    resolvConf: '/etc/resolv.conf',
    rotateCertificates: true,
    staticPodPath: `/${MANIFESTS}`,
  });
}

function kubeconfig({ name, apiServer }: NodeGoal, credential: NodeCredential): string {
  if (credential.kind === 'kubeconfig') return credential.kubeconfig;
  if (apiServer === '')
    throw new GoalError('spec.node.apiServer: is required with a token or a certificate');
  const user =
    credential.kind === 'token'
      ? { token: credential.token }
      : {
          'client-certificate-data': base64(credential.certificate),
          'client-key-data': base64(credential.key),
        };
  const { ca } = credential;
  const cluster = {
    server: apiServer,
    ...(ca === undefined ? {} : { 'certificate-authority-data': base64(ca) }),
  };
  return json({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'default', cluster }],
    users: [{ name, user }],
    contexts: [{ name: 'default', context: { cluster: 'default', user: name } }],
    'current-context': 'default',
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
