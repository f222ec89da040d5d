// What a root gets so that kubelet and containers work inside systemd-nspawn. Paths are below the root. Pure.
import type { RootFS } from './goal-state.ts';

export interface OSFile {
  readonly path: string;
  readonly content: string;
}

const SUITE = 'noble';
const POCKETS = ['', '-updates', '-backports', '-security'];
const COMPONENTS = 'main restricted universe multiverse';
const ARCHIVES: Readonly<Record<RootFS['architecture'], string>> = {
  amd64: 'http://archive.ubuntu.com/ubuntu',
  arm64: 'http://ports.ubuntu.com/ubuntu-ports',
};

export function osFiles(
  goal: Pick<RootFS, 'architecture' | 'aptMirror' | 'hostname'>,
): readonly OSFile[] {
  return [
    // The kubelet wants to read the kernel's log, which a container has none of.
    { path: 'etc/tmpfiles.d/kmsg.conf', content: 'L /dev/kmsg - - - - /dev/console\n' },
    { path: 'etc/modules-load.d/kubernetes.conf', content: 'overlay\nbr_netfilter\n' },
    { path: 'etc/apt/sources.list', content: aptSources(goal) },
    { path: 'etc/hostname', content: `${goal.hostname}\n` },
  ];
}

export function aptArchive({
  architecture,
  aptMirror,
}: Pick<RootFS, 'architecture' | 'aptMirror'>): string {
  return aptMirror ?? ARCHIVES[architecture];
}

function aptSources(goal: Pick<RootFS, 'architecture' | 'aptMirror'>): string {
  const archive = aptArchive(goal);
  return POCKETS.map((pocket) => `deb ${archive} ${SUITE}${pocket} ${COMPONENTS}\n`).join('');
}
