// The machines that an image goes to. Pure.
import { isConditionTrue } from '#controllers/machinery/conditions.ts';
import { nodeImagesOf, runsImages } from '#controllers/machinery/image-holders.ts';
import type { NodeWithImages } from '#controllers/machinery/image-holders.ts';
import { closest } from '../closest.ts';
import { CommandError } from '../usage-error.ts';

export interface TargetNode extends NodeWithImages {
  readonly status?: NodeWithImages['status'] & {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export interface Targets {
  readonly names: readonly string[];
  /** Machines that were not asked for by name and get nothing, with the reason. */
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
}

/** @param asked empty: all that can. @throws CommandError when one that was asked for cannot, or none can */
export function targetNodes(nodes: readonly TargetNode[], asked: readonly string[]): Targets {
  const known = new Map(nodes.map((node) => [node.metadata.name, node]));
  const skipped: { readonly name: string; readonly why: string }[] = [];
  if (asked.length > 0) {
    for (const name of asked) {
      const node = known.get(name);
      const near = closest(name, [...known.keys()]);
      if (node === undefined)
        throw new CommandError(
          `there is no machine ${name}`,
          near === undefined ? 'kubectl get nodes lists them.' : `Did you mean ${near}?`,
        );
      const why = obstacleOf(node);
      if (why !== undefined) throw new CommandError(`machine ${name} takes no images: ${why}`);
    }
    return { names: [...new Set(asked)], skipped };
  }
  const names: string[] = [];
  for (const node of nodes) {
    const { name } = node.metadata;
    const why = obstacleOf(node);
    if (why === undefined) names.push(name);
    else skipped.push({ name, why });
  }
  if (names.length === 0)
    throw new CommandError(
      skipped.length === 0
        ? 'there is no machine to push to'
        : `no machine takes images: ${skipped.map(({ name, why }) => `${name}: ${why}`).join('; ')}`,
    );
  return { names, skipped };
}

function obstacleOf(node: TargetNode): string | undefined {
  if (!runsImages(nodeImagesOf(node)))
    return 'its runtime is process, which keeps no images (its agent runs without --runtime docker)';
  return isConditionTrue(node.status?.conditions, 'Ready') ? undefined : 'it is not ready';
}
