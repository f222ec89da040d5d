// Puts kubelet, kubectl, kube-proxy and crictl into a root. What comes is compared with its published digest before anything is
// replaced: a good binary never gives way to a bad one.
import { atOnce } from './at-once.ts';
import { areInstalled, readRecord, writeRecord } from './binary-record.ts';
import type { InstalledBinary } from './binary-record.ts';
import { installArchive } from './install-archive.ts';
import type { ArchiveInstall } from './install-archive.ts';
import { crictlURL, KUBERNETES_BINARIES, kubernetesBinaryURL } from './download-urls.ts';
import type { KubernetesGoal } from './goal-state.ts';
import { bringFile, wantedDigest } from './root-downloads.ts';
import type { RootFSContext } from './rootfs-context.ts';
import { pathInRoot } from './root-files.ts';
import type { Task } from './task.ts';

const FOLDER = 'usr/local/bin';

export function downloadKubeBinaries(context: RootFSContext, versions: KubernetesGoal): Task {
  const { goal } = context;
  return {
    name: 'DownloadKubeBinaries',
    async do(signal) {
      const crictl: ArchiveInstall = {
        family: 'crictl',
        version: versions.crictlVersion,
        url: crictlURL(versions.crictlVersion, goal.architecture, goal.downloads.crictl),
        digestSuffix: '.sha256',
        members: new Map([['crictl', `${FOLDER}/crictl`]]),
      };
      await atOnce(
        [
          { name: 'kubernetes', run: (own) => installKubernetes(context, versions, own) },
          { name: 'crictl', run: (own) => installArchive(context, crictl, own) },
        ],
        signal,
      );
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
  const install = async (binary: string, own: AbortSignal): Promise<void> => {
    const path = `${FOLDER}/${binary}`;
    // Each is looked at by itself: one may be right and its neighbour of another version.
    if (await areInstalled(host, root, before, [path], kubernetesVersion, own)) return;
    const source = downloads.kubernetes;
    const url = kubernetesBinaryURL(binary, kubernetesVersion, architecture, source);
    const field = 'spec.rootfs.downloads.kubernetes';
    const published = { url, given: undefined, suffix: '.sha256', field };
    const sha256 = await wantedDigest(fetcher, published, own);
    const target = await pathInRoot(host, root, path, own);
    const found = await host.stat(target, own);
    const isThere = found?.kind === 'file' && (await host.digest(target, own)) === sha256;
    if (!isThere || (found.mode & 0o111) === 0) {
      await bringFile(fetcher, { url, sha256 }, own);
      const content = fetcher.store.read(sha256, own);
      await host.putFile(target, content, { signal: own, mode: 0o755, sha256 });
    }
    record.set(path, { version: kubernetesVersion, sha256 });
  };
  try {
    const works = KUBERNETES_BINARIES.map((name) => ({
      name,
      run: (own: AbortSignal) => install(name, own),
    }));
    await atOnce(works, signal);
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
