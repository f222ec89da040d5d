// The container runtime of a node: its configuration, its unit, and how crictl finds it. Pure.
import type { RootFS } from './goal-state.ts';
import type { NodeFile } from './node-file.ts';

export const CONTAINERD_SOCKET = 'unix:///run/containerd/containerd.sock';
const SANDBOX_IMAGE = 'registry.k8s.io/pause:3.10';
const CONFIGURATION = 'etc/containerd/config.toml';

const UNIT = `# Written by Windlass; changed here, it is changed back.
[Unit]
Description=Container runtime
After=network.target dbus.service

[Service]
ExecStart=/usr/local/bin/containerd --config /${CONFIGURATION}
Type=notify
Delegate=yes
# Containers live on while it is restarted.
KillMode=process
Restart=always
RestartSec=5
LimitNPROC=infinity
LimitNOFILE=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
`;

export function containerdFiles(
  goal: Pick<RootFS, 'kubernetes' | 'node' | 'devices'>,
): readonly NodeFile[] {
  const unit = 'containerd.service';
  return [
    { path: CONFIGURATION, content: configuration(goal), unit },
    { path: 'etc/systemd/system/containerd.service', content: UNIT, unit },
    {
      path: 'etc/crictl.yaml',
      content: `runtime-endpoint: ${CONTAINERD_SOCKET}\nimage-endpoint: ${CONTAINERD_SOCKET}\n`,
    },
  ];
}

/** The plugins' names and the place of the sandbox image changed with 2.0. */
function configuration({
  kubernetes,
  node,
  devices,
}: Pick<RootFS, 'kubernetes' | 'node' | 'devices'>): string {
  const isOld = kubernetes?.containerdVersion.startsWith('1.') === true;
  const sandbox = quoted(node?.sandboxImage ?? SANDBOX_IMAGE);
  const cri = isOld ? 'io.containerd.grpc.v1.cri' : 'io.containerd.cri.v1.runtime';
  const runtimes = `plugins.${quoted(cri)}.containerd.runtimes`;
  const hasGpu = devices.gpu.devices.length > 0;
  const runtime = (name: string, binary: string): readonly string[] => [
    '',
    `[${runtimes}.${name}]`,
    'runtime_type = "io.containerd.runc.v2"',
    '',
    `[${runtimes}.${name}.options]`,
    `BinaryName = ${quoted(binary)}`,
    'SystemdCgroup = true',
  ];
  return [
    '# Written by Windlass; changed here, it is changed back.',
    `version = ${isOld ? 2 : 3}`,
    'root = "/var/lib/containerd"',
    'state = "/run/containerd"',
    '',
    '[grpc]',
    'address = "/run/containerd/containerd.sock"',
    '',
    '[metrics]',
    // The machine is on the network of its host.
    'address = "127.0.0.1:10257"',
    '',
    ...(isOld
      ? [`[plugins.${quoted(cri)}]`, `sandbox_image = ${sandbox}`]
      : ['[plugins."io.containerd.cri.v1.images".pinned_images]', `sandbox = ${sandbox}`]),
    '',
    `[plugins.${quoted(cri)}.cni]`,
    'bin_dir = "/opt/cni/bin"',
    'conf_dir = "/etc/cni/net.d"',
    '',
    `[plugins.${quoted(cri)}.containerd]`,
    `default_runtime_name = "${hasGpu ? 'nvidia' : 'runc'}"`,
    ...runtime('runc', '/usr/local/bin/runc'),
    ...(hasGpu ? runtime('nvidia', '/usr/bin/nvidia-container-runtime') : []),
    '',
  ].join('\n');
}

/** A string of TOML; JSON's escapes are its own. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
