// Puts the container runtime (containerd and runc) and the network plugins into a root.
import { atOnce } from './at-once.ts';
import { areInstalled, readRecord, writeRecord } from './binary-record.ts';
import { cniURL, containerdURL, runcURL } from './download-urls.ts';
import type { KubernetesGoal } from './goal-state.ts';
import { installArchive } from './install-archive.ts';
import type { ArchiveInstall } from './install-archive.ts';
import { bringFile, wantedDigest } from './root-downloads.ts';
import type { RootFSContext } from './rootfs-context.ts';
import { pathInRoot } from './root-files.ts';
import type { Task } from './task.ts';

const FOLDER = 'usr/local/bin';
const CNI_FOLDER = 'opt/cni/bin';
const CONTAINERD_BINARIES = ['containerd', 'containerd-shim-runc-v2', 'ctr'];
/** What a kubelet cannot do without; all that the archive has is put there. */
const CNI_PLUGINS = ['bridge', 'host-local', 'loopback'];

export function downloadCRIBinaries(context: RootFSContext, versions: KubernetesGoal): Task {
  const { goal } = context;
  const { containerdVersion } = versions;
  return {
    name: 'DownloadCRIBinaries',
    async do(signal) {
      const containerd: ArchiveInstall = {
        family: 'containerd',
        version: containerdVersion,
        url: containerdURL(containerdVersion, goal.architecture, goal.downloads.containerd),
        digestSuffix: '.sha256sum',
        members: new Map(CONTAINERD_BINARIES.map((name) => [`bin/${name}`, `${FOLDER}/${name}`])),
        othersTo: FOLDER,
      };
      await atOnce(
        [
          { name: 'containerd', run: (own) => installArchive(context, containerd, own) },
          { name: 'runc', run: (own) => installRunc(context, versions, own) },
        ],
        signal,
      );
    },
  };
}

export function downloadCNIBinaries(context: RootFSContext, { cniVersion }: KubernetesGoal): Task {
  const { goal } = context;
  return {
    name: 'DownloadCNIBinaries',
    do: (signal) =>
      installArchive(
        context,
        {
          family: 'cni',
          version: cniVersion,
          url: cniURL(cniVersion, goal.architecture, goal.downloads.cni),
          digestSuffix: '.sha256',
          members: new Map(CNI_PLUGINS.map((name) => [name, `${CNI_FOLDER}/${name}`])),
          othersTo: CNI_FOLDER,
        },
        signal,
      ),
  };
}

async function installRunc(
  { host, goal, fetcher }: RootFSContext,
  { runcVersion: version }: KubernetesGoal,
  signal: AbortSignal,
): Promise<void> {
  const root = goal.machineDirectory;
  const path = `${FOLDER}/runc`;
  const before = await readRecord(host, root, 'runc', signal);
  if (await areInstalled(host, root, before, [path], version, signal)) return;
  const source = goal.downloads.runc;
  const url = runcURL(version, goal.architecture, source);
  const field = 'spec.rootfs.downloads.runc.sha256';
  const published = { url, given: source?.sha256, suffix: '/runc.sha256sum', field };
  const sha256 = await wantedDigest(fetcher, published, signal);
  await bringFile(fetcher, { url, sha256 }, signal);
  const target = await pathInRoot(host, root, path, signal);
  const content = fetcher.store.read(sha256, signal);
  await host.putFile(target, content, { signal, mode: 0o755, sha256 });
  await writeRecord(host, root, 'runc', new Map([[path, { version, sha256 }]]), signal);
}
