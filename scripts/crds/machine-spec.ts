// What a Machine is asked to be.
import { duration, flag, keyed, text, textMap, texts } from './fields.ts';
import type { OpenAPISchema } from './open-api-schema.ts';

const one = (description: string, values: readonly string[], value?: string): OpenAPISchema => ({
  type: 'string',
  enum: [...values],
  description,
  ...(value === undefined ? {} : { default: value }),
});

const object = (
  description: string,
  properties: Readonly<Record<string, OpenAPISchema>>,
  required: readonly string[] = [],
): OpenAPISchema => ({
  type: 'object',
  description,
  properties,
  ...(required.length === 0 ? {} : { required: [...required] }),
});

const path = (description: string): OpenAPISchema => ({
  type: 'string',
  pattern: '^/[^\\s]*$',
  maxLength: 4096,
  description,
});

const secretKey = (description: string): OpenAPISchema =>
  object(
    description,
    { name: text('Of a Secret in the same namespace.'), key: text('Which of its keys.') },
    ['name'],
  );

const download = (what: string): OpenAPISchema =>
  object(`Where ${what} comes from, when not from its publisher.`, {
    baseURL: text("Stands for the publisher's address; the path below it stays."),
    url: text('The whole address: %v version, %p architecture, %b binary, %% a percent sign.'),
    version: text('Which version.'),
    sha256: {
      type: 'string',
      pattern: '^[0-9a-fA-F]{64}$',
      description: 'Of what is downloaded; without it the digest that is published beside it.',
    },
  });

const connection = object(
  'How its host is reached.',
  {
    type: one('Kind of host.', ['LocalDir', 'SSH', 'Sim']),
    localDir: object('A folder of the machine that controllers run on, standing for a host.', {
      path: path('The folder; it must exist.'),
    }),
    ssh: object('A host with an SSH server.', {
      address: text('Name or address; absent: that of the node which its InfraProvider made.'),
      port: { type: 'integer', format: 'int32', minimum: 1, maximum: 65_535, default: 22 },
      user: { type: 'string', default: 'root' },
      keySecretRef: secretKey('The private key.'),
      hostKey: text('Its public key, as in known_hosts, or its fingerprint.'),
      hostKeySecretRef: secretKey('The same in a Secret.'),
      sudo: flag('Commands run through sudo.'),
      sudoPasswordSecretRef: secretKey('The password that sudo asks for.'),
    }),
    sim: object('A simulated host, for tests.', { name: text('Of the simulated machine.') }),
  },
  ['type'],
);

const rootfs = object('The root file system; absent: only artifacts are put onto the host.', {
  image: text(
    'OCI image: NAME[:TAG][@DIGEST], oci-layout:/PATH[:TAG], https://…tar. Empty: debootstrap. Absent: the default for the hardware.',
  ),
  hostDevices: texts('Devices of the host that it gets.'),
  mounts: {
    type: 'array',
    maxItems: 64,
    'x-kubernetes-list-type': 'atomic',
    description: 'Folders of the host that it gets.',
    items: object(
      'One of them.',
      {
        source: path('On the host.'),
        target: path('In the machine.'),
        readOnly: flag('May not be written.'),
      },
      ['source', 'target'],
    ),
  },
  aptMirror: text('The only source of packages.'),
  architecture: one('Absent: that of the host.', ['amd64', 'arm64']),
  rebuildPolicy: one(
    'What happens to a root that was left incomplete: redone, or left alone and told.',
    ['Owned', 'Never'],
    'Owned',
  ),
  downloads: object('Where binaries come from.', {
    kubernetes: download('Kubernetes'),
    containerd: download('containerd'),
    runc: download('runc'),
    cni: download('the set of CNI plugins'),
    crictl: download('crictl'),
  }),
});

const node = object('The node that it is to be; absent: it is no node.', {
  labels: textMap('Labels of the Node.'),
  taints: {
    type: 'array',
    maxItems: 64,
    'x-kubernetes-list-type': 'atomic',
    description: 'Taints of the Node.',
    items: object(
      'One of them.',
      {
        key: { type: 'string', minLength: 1 },
        value: { type: 'string' },
        effect: one('What it does.', ['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
      },
      ['key', 'effect'],
    ),
  },
  credentialSecretRef: secretKey(
    'What it joins with: kubeconfig, token (or token-id and token-secret), or tls.crt and tls.key; ca.crt beside it. With it the units and the configuration of containerd and the kubelet are written into the root; without it the image brings them.',
  ),
  apiServer: text('URL of the API server that it joins; required with a token or a certificate.'),
  clusterDNS: texts(
    'Addresses that answer names for its Pods; none: what the machine asks itself.',
  ),
  clusterDomain: text(
    'Ending of the names of Services, with clusterDNS; cluster.local where nothing is said.',
  ),
  nodeIP: text('Address that the Node tells; absent: the choice of the kubelet.'),
  sandboxImage: text('Image that holds the namespaces of a Pod; absent: registry.k8s.io/pause.'),
});

const mode = (description: string): OpenAPISchema => ({
  anyOf: [{ type: 'integer' }, { type: 'string' }],
  'x-kubernetes-int-or-string': true,
  minimum: 0,
  maximum: 511,
  pattern: '^0?[0-7]{3}$',
  description,
});

const owner: OpenAPISchema = {
  type: 'string',
  maxLength: 64,
  pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$',
};

const FILE_SOURCES = ['content', 'binaryContent', 'artifact', 'localPath'] as const;

const file: OpenAPISchema = {
  ...object(
    'One of them, or several that go into one folder.',
    {
      path: path(
        'The file; the folder that gets the files where localPath is a folder or a pattern, or where this ends with a slash.',
      ),
      content: { type: 'string', maxLength: 1_048_576, description: 'What is in it.' },
      binaryContent: {
        type: 'string',
        format: 'byte',
        maxLength: 1_398_104,
        description: 'What is in it, as base64.',
      },
      artifact: object('An Artifact of type File.', { name: text('In the same namespace.') }, [
        'name',
      ]),
      localPath: {
        type: 'string',
        minLength: 1,
        maxLength: 1024,
        description:
          'Files of the machine of the controllers, below the folders of --artifact-files: a file, a folder with all below it, or a pattern with * ? [] **.',
      },
      mode: mode(
        "Permission bits: '0644', or the same number in decimal (420). Default: those of the local file, of the Artifact, else 0644.",
      ),
      directoryMode: mode('Permission bits of folders that have to be made. Default 0755.'),
      owner: object('Whose it is, and folders that are made; absent: of who puts it there.', {
        user: { ...owner, description: 'Name or number.' },
        group: { ...owner, description: 'Name or number.' },
      }),
    },
    ['path'],
  ),
  'x-kubernetes-validations': [
    {
      rule: `[${FILE_SOURCES.map((way) => `has(self.${way})`).join(', ')}].filter(x, x).size() == 1`,
      message: `a file must have exactly one of ${FILE_SOURCES.join(', ')}`,
    },
    {
      rule: "!self.path.endsWith('/') || has(self.localPath)",
      message: 'path is a folder: name the file',
      fieldPath: '.path',
    },
  ],
};

export const machineSpec: OpenAPISchema = {
  ...object('What the machine is to be.', {
    providerRef: object('Who makes its host.', { name: text('Of an InfraProvider.') }, ['name']),
    connection,
    role: {
      ...one('What it does in its cluster.', ['controller', 'worker', 'controller+worker']),
      'x-kubernetes-validations': [
        { rule: 'self == oldSelf', message: 'role change is not supported' },
      ],
    },
    version: text('What it is to run; of a node, the version of Kubernetes.'),
    artifacts: keyed(
      'Artifacts that are put onto it.',
      ['name', 'path'],
      object(
        'One of them.',
        {
          name: text('Of an Artifact in the same namespace.'),
          path: {
            type: 'string',
            pattern: '^(/[^\\s]*)?$',
            maxLength: 4096,
            default: '',
            description: 'Where it goes; empty: the installPath of the Artifact.',
          },
        },
        ['name'],
      ),
    ),
    files: {
      type: 'array',
      maxItems: 256,
      'x-kubernetes-list-type': 'atomic',
      description: 'Files that are put onto its host, or into its root when it has one.',
      items: file,
    },
    rootfs,
    node,
    preflight: object('How its checks are judged.', {
      ignore: texts('Names of checks whose errors are warnings; all is every one.'),
      failOnWarnings: flag('Warnings count as errors.'),
    }),
    drain: object('How its node is emptied before it is changed.', {
      enabled: flag('Whether it is emptied at all.', true),
      timeout: duration('How long it may take.', '5m'),
      gracePeriod: duration('What Pods get to end; absent: what each asks for.'),
      onTimeout: one(
        'Give up and leave it as it is, or delete what is left.',
        ['Fail', 'Force'],
        'Fail',
      ),
      podSelector: text('Only Pods with these labels.'),
    }),
    verifyTimeout: duration('How long a new slot may take to be good.', '5m'),
    paused: flag('Nothing new is begun.'),
    deletionPolicy: one(
      'What becomes of its host when it is deleted.',
      ['Delete', 'Retain'],
      'Delete',
    ),
    clusterRef: object('The Cluster that it belongs to.', { name: text('Its name.') }, ['name']),
    powerState: one('Whether it runs.', ['Running', 'Stopped'], 'Running'),
  }),
  'x-kubernetes-validations': [
    {
      rule: 'has(self.role) == has(oldSelf.role)',
      message: 'role change is not supported',
    },
    {
      rule: '!has(self.connection) || self.connection.type != "LocalDir" || (has(self.connection.localDir) && has(self.connection.localDir.path))',
      message: 'connection.localDir.path is required with type LocalDir',
    },
    {
      rule: '!has(self.connection) || self.connection.type != "SSH" || has(self.connection.ssh)',
      message: 'connection.ssh is required with type SSH',
    },
    {
      rule: 'has(self.providerRef) || !has(self.connection) || !has(self.connection.ssh) || has(self.connection.ssh.address)',
      message: 'connection.ssh.address is required without a providerRef',
    },
    {
      rule: 'has(self.providerRef) == has(oldSelf.providerRef) && (!has(self.providerRef) || self.providerRef.name == oldSelf.providerRef.name)',
      message:
        'providerRef cannot be changed: the host that was made would be left behind; make another Machine',
    },
  ],
};
