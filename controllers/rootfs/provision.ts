// Everything that makes a complete root, as one graph: the tree first, then its parts at the same time.
import { configureNode } from './configure-node.ts';
import { configureOS, disableResolved } from './configure-os.ts';
import { downloadKubeBinaries } from './kubernetes-binaries.ts';
import { nodeFiles } from './node-files.ts';
import type { RootFSContext } from './rootfs-context.ts';
import { downloadCNIBinaries, downloadCRIBinaries } from './runtime-binaries.ts';
import { parallel, serial } from './task.ts';
import type { Task } from './task.ts';
import { ensureNSpawnWorkspace } from './workspace.ts';

/**
 * Shared by first installs and updates. A machine that is to be no node gets no binaries of one.
 *
 * @throws GoalError for a node that cannot be configured
 */
export function provision(context: RootFSContext): Task {
  const { kubernetes } = context.goal;
  const binaries =
    kubernetes === undefined
      ? []
      : [
          downloadKubeBinaries(context, kubernetes),
          downloadCRIBinaries(context, kubernetes),
          downloadCNIBinaries(context, kubernetes),
        ];
  const files = nodeFiles(context.goal, context.credential);
  const node = files === undefined ? [] : [configureNode(context, files)];
  return serial(
    ensureNSpawnWorkspace(context),
    parallel(...binaries, configureOS(context), disableResolved(context), ...node),
  );
}
