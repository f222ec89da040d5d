// All that makes a root with the binaries of Kubernetes a node: units, configuration and what it joins with. From the goal and a
// credential to files; paths are below the root. Pure.
import { containerdFiles } from './containerd-files.ts';
import type { RootFS } from './goal-state.ts';
import { BOOTSTRAP_KUBECONFIG, kubeletFiles, MANIFESTS } from './kubelet-files.ts';
import type { NodeCredential } from './node-credential.ts';
import type { NodeFile } from './node-file.ts';

export interface NodeFiles {
  readonly folders: readonly string[];
  readonly files: readonly NodeFile[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** What must not be there: it would count. */
  readonly absent: readonly string[];
}

const WANTS = 'etc/systemd/system/multi-user.target.wants';

/**
 * Undefined for a machine that is no node, or whose image brings all of this: that is one without a credential.
 *
 * @throws GoalError for what cannot be written
 */
export function nodeFiles(
  goal: Pick<RootFS, 'kubernetes' | 'node' | 'devices'>,
  credential: NodeCredential | undefined,
): NodeFiles | undefined {
  const { node } = goal;
  if (node === undefined || credential === undefined) return undefined;
  return {
    folders: [MANIFESTS, 'etc/cni/net.d', 'var/lib/kubelet'],
    files: [...containerdFiles(goal), ...kubeletFiles({ node }, credential)],
    links: ['containerd.service', 'kubelet.service'].map((unit) => ({
      path: `${WANTS}/${unit}`,
      target: `../${unit}`,
    })),
    // A kubelet with a kubeconfig of its own does not look at the other.
    absent: credential.kind === 'token' ? [] : [BOOTSTRAP_KUBECONFIG],
  };
}
