// Where the binaries of a Kubernetes node are published, and how a mirror or a template changes that. Pure.

export interface DownloadSource {
  /** Stands for the publisher's address; the path below it stays. */
  readonly baseURL?: string;
  /** The whole address; `%v` is the version, `%p` the architecture, `%b` the binary, `%%` a percent sign. */
  readonly url?: string;
  readonly version?: string;
  /** Of what is downloaded, lower-case hex; absent: the digest that is published beside it. */
  readonly sha256?: string;
}

export type DownloadName = 'kubernetes' | 'containerd' | 'runc' | 'cni' | 'crictl';

export type Downloads = { readonly [Name in DownloadName]?: DownloadSource };

const GITHUB = 'https://github.com';
const BASES: Readonly<Record<DownloadName, string>> = {
  kubernetes: 'https://dl.k8s.io',
  containerd: `${GITHUB}/containerd/containerd/releases/download`,
  runc: `${GITHUB}/opencontainers/runc/releases/download`,
  cni: `${GITHUB}/containernetworking/plugins/releases/download`,
  crictl: `${GITHUB}/kubernetes-sigs/cri-tools/releases/download`,
};

export const KUBERNETES_BINARIES = ['kubelet', 'kubectl', 'kube-proxy'] as const;

export function kubernetesBinaryURL(
  binary: string,
  version: string,
  architecture: string,
  source: DownloadSource = {},
): string {
  const tail = `v${version}/bin/linux/${architecture}/${binary}`;
  return urlOf('kubernetes', tail, { version, architecture, binary }, source);
}

export function containerdURL(
  version: string,
  architecture: string,
  source: DownloadSource = {},
): string {
  const tail = `v${version}/containerd-${version}-linux-${architecture}.tar.gz`;
  return urlOf('containerd', tail, { version, architecture, binary: 'containerd' }, source);
}

export function runcURL(
  version: string,
  architecture: string,
  source: DownloadSource = {},
): string {
  const tail = `v${version}/runc.${architecture}`;
  return urlOf('runc', tail, { version, architecture, binary: 'runc' }, source);
}

export function cniURL(version: string, architecture: string, source: DownloadSource = {}): string {
  const tail = `v${version}/cni-plugins-linux-${architecture}-v${version}.tgz`;
  return urlOf('cni', tail, { version, architecture, binary: 'cni-plugins' }, source);
}

export function crictlURL(
  version: string,
  architecture: string,
  source: DownloadSource = {},
): string {
  const tail = `v${version}/crictl-v${version}-linux-${architecture}.tar.gz`;
  return urlOf('crictl', tail, { version, architecture, binary: 'crictl' }, source);
}

/** The one that was asked for, else the first of the Kubernetes minor: 1.33.5 → 1.33.0. @throws Error for what is no version */
export function crictlVersion(kubernetesVersion: string, source: DownloadSource = {}): string {
  if (source.version !== undefined) return normalizeVersion(source.version);
  const [, minor] = /^(\d+\.\d+)([.+-]|$)/.exec(normalizeVersion(kubernetesVersion)) ?? [];
  if (minor === undefined)
    throw new Error(
      `${JSON.stringify(kubernetesVersion)} is no version of Kubernetes: no crictl goes with it`,
    );
  return `${minor}.0`;
}

/** `v1.33.5` and `1.33.5` are the same version. */
export function normalizeVersion(version: string): string {
  return version.trim().replace(/^v(?=\d)/, '');
}

interface Words {
  readonly version: string;
  readonly architecture: string;
  readonly binary: string;
}

function urlOf(name: DownloadName, tail: string, words: Words, source: DownloadSource): string {
  if (source.url !== undefined) return expand(source.url, words);
  return `${(source.baseURL ?? BASES[name]).replace(/\/+$/, '')}/${tail}`;
}

/** The version is escaped: `1.33.5+k0s.0` has a sign that means a space to servers. */
function expand(template: string, { version, architecture, binary }: Words): string {
  return template.replaceAll(/%([vpb%])/g, (_, token: string) => {
    if (token === 'v') return encodeURIComponent(version);
    if (token === 'p') return architecture;
    return token === 'b' ? binary : '%';
  });
}
