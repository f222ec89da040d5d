import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_DEVICES } from './devices.ts';
import { GoalError, resolveGoal } from './goal-state.ts';
import type { NodeGoal, RootFS } from './goal-state.ts';
import { nodeCredential } from './node-credential.ts';
import type { NodeCredential } from './node-credential.ts';
import { nodeFiles } from './node-files.ts';

const TOKEN = 'abcdef.0123456789abcdef';
const CA = '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n';
const NODE: NodeGoal = {
  name: 'w1',
  labels: {
    zone: 'a',
    'node-role.kubernetes.io/worker': '',
    'topology.kubernetes.io/zone': 'z1',
    'sub.node.kubernetes.io/x': 'y',
  },
  taints: [
    { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' },
    { key: 'slow', effect: 'PreferNoSchedule' },
  ],
  apiServer: 'https://10.0.0.1:6443',
};
const GPU = { gpu: { devices: ['/dev/nvidia0'], libraryFolders: [] }, kvm: [] };

function goal(node: Partial<NodeGoal> = {}, change: { containerd?: string } = {}): RootFS {
  return resolveGoal({
    name: 'w1',
    slot: 'a',
    spec: { downloads: { containerd: { version: change.containerd ?? '2.0.4' } } },
    version: '1.33.5',
    node: { ...NODE, ...node },
    facts: { arch: 'amd64', hostname: 'host', kernel: '6.1' },
    devices: NO_DEVICES,
  });
}

function filesOf(credential: NodeCredential, of = goal()): ReadonlyMap<string, string> {
  const files = nodeFiles(of, credential)?.files ?? [];
  return new Map(files.map(({ path, content }) => [path, content]));
}

const BY_TOKEN: NodeCredential = { kind: 'token', token: TOKEN, ca: CA };
const DROP_INS = 'etc/systemd/system/kubelet.service.d';

test('a node that joins with a token: every file, and only one of them knows the token', () => {
  const wanted = nodeFiles(goal(), BY_TOKEN);
  assert.deepEqual(
    wanted?.files.map(({ path, mode = 0o644 }) => `${mode.toString(8)} ${path}`),
    [
      '644 etc/containerd/config.toml',
      '644 etc/systemd/system/containerd.service',
      '644 etc/crictl.yaml',
      '644 etc/systemd/system/kubelet.service',
      `644 ${DROP_INS}/10-kubeconfig.conf`,
      `644 ${DROP_INS}/20-node-config.conf`,
      `644 ${DROP_INS}/50-env-file.conf`,
      '644 etc/kubernetes/kubelet.yaml',
      '644 etc/kubernetes/pki/ca.crt',
      '600 var/lib/kubelet/bootstrap-kubeconfig',
    ],
  );
  const knowing = wanted.files.filter(({ content }) => content.includes(TOKEN));
  assert.deepEqual(
    knowing.map(({ path }) => path),
    ['var/lib/kubelet/bootstrap-kubeconfig'],
  );
  assert.deepEqual(JSON.parse(knowing[0]?.content ?? ''), {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'default',
        cluster: {
          server: 'https://10.0.0.1:6443',
          'certificate-authority-data': Buffer.from(CA).toString('base64'),
        },
      },
    ],
    users: [{ name: 'w1', user: { token: TOKEN } }],
    contexts: [{ name: 'default', context: { cluster: 'default', user: 'w1' } }],
    'current-context': 'default',
  });
  assert.deepEqual(wanted.links, [
    {
      path: 'etc/systemd/system/multi-user.target.wants/containerd.service',
      target: '../containerd.service',
    },
    {
      path: 'etc/systemd/system/multi-user.target.wants/kubelet.service',
      target: '../kubelet.service',
    },
  ]);
  assert.deepEqual(wanted.absent, []);
  assert.ok(wanted.folders.includes('etc/kubernetes/manifests'));
});

test('the kubelet is told its node, and no label that it may not give itself', () => {
  const files = filesOf(BY_TOKEN, goal({ nodeIP: '10.0.0.9' }));
  assert.match(
    files.get(`${DROP_INS}/10-kubeconfig.conf`) ?? '',
    /^Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=\/var\/lib\/kubelet\/bootstrap-kubeconfig --kubeconfig=\/var\/lib\/kubelet\/kubeconfig"$/m,
  );
  assert.ok(
    files
      .get(`${DROP_INS}/20-node-config.conf`)
      ?.includes(
        'Environment="KUBELET_NODE_ARGS=--hostname-override=w1 --node-ip=10.0.0.9 ' +
          '--node-labels=sub.node.kubernetes.io/x=y,topology.kubernetes.io/zone=z1,zone=a ' +
          '--register-with-taints=dedicated=gpu:NoSchedule,slow=:PreferNoSchedule"\n',
      ),
  );
  assert.match(
    files.get(`${DROP_INS}/50-env-file.conf`) ?? '',
    /^EnvironmentFile=-\/etc\/default/m,
  );
  const unit = files.get('etc/systemd/system/kubelet.service') ?? '';
  assert.match(unit, /^ExecStart=\/usr\/local\/bin\/kubelet \$KUBELET_KUBECONFIG_ARGS /m);
  assert.match(unit, /^Wants=containerd\.service$/m);
});

test('its configuration follows what is known of the cluster', () => {
  const configurationOf = (credential: NodeCredential, of = goal()): Record<string, unknown> =>
    JSON.parse(filesOf(credential, of).get('etc/kubernetes/kubelet.yaml') ?? '') as never;
  const plain = configurationOf({ kind: 'kubeconfig', kubeconfig: 'clusters: []\n' });
  assert.deepEqual(plain['authentication'], {
    anonymous: { enabled: false },
    webhook: { enabled: true },
  });
  assert.equal(plain['clusterDNS'], undefined);
  assert.equal(plain['staticPodPath'], '/etc/kubernetes/manifests');
  assert.equal(plain['cgroupDriver'], 'systemd');
  const whole = configurationOf(BY_TOKEN, goal({ clusterDNS: ['10.96.0.10'] }));
  assert.deepEqual(whole['clusterDNS'], ['10.96.0.10']);
  assert.equal(whole['clusterDomain'], 'cluster.local');
  assert.deepEqual((whole['authentication'] as { x509: unknown }).x509, {
    clientCAFile: '/etc/kubernetes/pki/ca.crt',
  });
});

test('a kubeconfig is used as it is, a certificate becomes one', () => {
  const kubeconfig = 'apiVersion: v1\nclusters:\n- name: x\n';
  const given = nodeFiles(goal({ apiServer: '' }), { kind: 'kubeconfig', kubeconfig });
  const own = given?.files.find(({ path }) => path === 'var/lib/kubelet/kubeconfig');
  assert.deepEqual([own?.content, own?.mode], [kubeconfig, 0o600]);
  assert.deepEqual(given?.absent, ['var/lib/kubelet/bootstrap-kubeconfig']);
  const made = filesOf({ kind: 'certificate', certificate: 'C', key: 'K', ca: CA });
  const { users } = JSON.parse(made.get('var/lib/kubelet/kubeconfig') ?? '') as {
    readonly users: readonly unknown[];
  };
  assert.deepEqual(users, [
    { name: 'w1', user: { 'client-certificate-data': 'Qw==', 'client-key-data': 'Sw==' } },
  ]);
  assert.equal(made.has('var/lib/kubelet/bootstrap-kubeconfig'), false);
});

test('containerd is told where runc, plugins and the sandbox image are, in the words of its version', () => {
  const toml = (of: RootFS): string =>
    filesOf(BY_TOKEN, of).get('etc/containerd/config.toml') ?? '';
  const two = toml(goal());
  assert.match(two, /^version = 3$/m);
  assert.match(two, /images"\.pinned_images\]\nsandbox = "registry\.k8s\.io\/pause:[\d.]+"$/m);
  assert.match(
    two,
    /runtimes\.runc\.options\]\nBinaryName = "\/usr\/local\/bin\/runc"\nSystemdCgroup = true$/m,
  );
  assert.match(two, /^default_runtime_name = "runc"$/m);
  const one = toml(goal({ sandboxImage: 'mirror.test/pause:1' }, { containerd: '1.7.27' }));
  assert.match(one, /^version = 2$/m);
  assert.match(one, /grpc\.v1\.cri"\]\nsandbox_image = "mirror\.test\/pause:1"$/m);
  assert.match(toml({ ...goal(), devices: GPU }), /^default_runtime_name = "nvidia"$/m);
});

test('nothing is written for what is no node, or whose image brings it all', () => {
  assert.equal(nodeFiles({ ...goal(), node: undefined }, BY_TOKEN), undefined);
  assert.equal(nodeFiles(goal(), undefined), undefined);
});

test('what cannot be written is refused by field, without a value of the Secret', () => {
  assert.throws(
    () => nodeFiles(goal({ apiServer: '' }), BY_TOKEN),
    /spec\.node\.apiServer: is requ/,
  );
  const labels = { zone: 'a" ExecStartPre=x' };
  assert.throws(
    () => nodeFiles(goal({ labels }), BY_TOKEN),
    /cannot be an argument of the kubelet/,
  );
});

test('a Secret is read by what it has', () => {
  const of = (data: Readonly<Record<string, string>>, key?: string): NodeCredential =>
    nodeCredential('join', data, key);
  const kubeconfig = '{"clusters": []}';
  assert.deepEqual(of({ kubeconfig, token: TOKEN }), { kind: 'kubeconfig', kubeconfig });
  assert.deepEqual(of({ 'admin.conf': kubeconfig }, 'admin.conf'), {
    kind: 'kubeconfig',
    kubeconfig,
  });
  assert.deepEqual(of({ token: `${TOKEN}\n`, 'ca.crt': CA }), BY_TOKEN);
  assert.deepEqual(of({ mine: TOKEN }, 'mine'), { kind: 'token', token: TOKEN });
  assert.deepEqual(of({ 'token-id': 'abcdef', 'token-secret': '0123456789abcdef' }), {
    kind: 'token',
    token: TOKEN,
  });
  assert.deepEqual(of({ 'tls.crt': 'C', 'tls.key': 'K' }), {
    kind: 'certificate',
    certificate: 'C',
    key: 'K',
  });
  const refused = (data: Readonly<Record<string, string>>, what: RegExp, key?: string): void => {
    assert.throws(
      () => of(data, key),
      (error: unknown) => {
        assert.ok(error instanceof GoalError);
        assert.match(error.message, what);
        assert.doesNotMatch(error.message, /s3cret/);
        return true;
      },
    );
  };
  refused({ other: 's3cret' }, /Secret join has neither kubeconfig, token,/);
  refused({ token: 's3cret two words' }, /a token that is no single word/);
  refused({ token: 's3cret' }, /Secret join with key mine is not there/, 'mine');
});
