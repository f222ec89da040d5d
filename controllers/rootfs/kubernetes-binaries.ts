// Puts kubelet, kubectl, kube-proxy and crictl into a root. What comes is compared with its published digest before anything is
// replaced: a good binary never gives way to a bad one.
import { areInstalled, readRecord, writeRecord } from './binary-record.ts';
import type { InstalledBinary } from './binary-record.ts';
import { installArchive } from './install-archive.ts';
import { crictlURL, KUBERNETES_BINARIES, kubernetesBinaryURL } from './download-urls.ts';
import type { KubernetesGoal } from './goal-state.ts';
import { wantedDigest } from './published-digest.ts';
import type { RootFSContext } from './rootfs-context.ts';
import { pathInRoot } from './root-files.ts';
import type { Task } from './task.ts';

const FOLDER = 'usr/local/bin';

export function downloadKubeBinaries(context: RootFSContext, versions: KubernetesGoal): Task {
  const { goal } = context;
  return {
    name: 'DownloadKubeBinaries',
    async do(signal) {
      await Promise.all([
        installKubernetes(context, versions, signal),
        installArchive(
          context,
          {
            family: 'crictl',
            version: versions.crictlVersion,
            url: crictlURL(versions.crictlVersion, goal.architecture, goal.downloads.crictl),
            digestSuffix: '.sha256',
            members: new Map([['crictl', `${FOLDER}/crictl`]]),
          },
          signal,
        ),
      ]);
    },
  };
}

async function installKubernetes(
  { host, goal, fetcher }: RootFSContext,
  { kubernetesVersion }: KubernetesGoal,
  signal: AbortSignal,
): Promise<void> {
  const { machineDirectory: root, architecture, downloads } = goal;
  const before = await readRecord(host, root, 'kubernetes', signal);
  const record = new Map<string, InstalledBinary>(before);
  const install = async (binary: string): Promise<void> => {
    const path = `${FOLDER}/${binary}`;
    // Each is looked at by itself: one may be right and its neighbour of another version.
    if (await areInstalled(host, root, before, [path], kubernetesVersion, signal)) return;
    const source = downloads.kubernetes;
    const url = kubernetesBinaryURL(binary, kubernetesVersion, architecture, source);
    const field = 'spec.rootfs.downloads.kubernetes';
    const sha256 = await wantedDigest(fetcher, url, undefined, '.sha256', field, signal);
    const target = await pathInRoot(host, root, path, signal);
    const found = await host.stat(target, signal);
    const isThere = found?.kind === 'file' && (await host.digest(target, signal)) === sha256;
    if (!isThere || (found.mode & 0o111) === 0) {
      await using file = await fetcher.fetch({ url, sha256 }, signal);
      await host.putFile(target, file.read(signal), { signal, mode: 0o755, sha256 });
    }
    record.set(path, { version: kubernetesVersion, sha256 });
  };
  try {
    await Promise.all(KUBERNETES_BINARIES.map((binary) => install(binary)));
  } finally {
    // What was done is not done again.
    if (!signal.aborted && !isSame(before, record))
      await writeRecord(host, root, 'kubernetes', record, signal);
  }
}

function isSame(
  left: ReadonlyMap<string, InstalledBinary>,
  right: ReadonlyMap<string, InstalledBinary>,
): boolean {
  return JSON.stringify([...left]) === JSON.stringify([...right]);
}
