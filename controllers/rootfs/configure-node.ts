// Writes what makes a root a node. What it joins with is readable by root alone, and is in nobody's words.
import type { NodeFiles } from './node-files.ts';
import type { RootFSContext } from './rootfs-context.ts';
import { mustRun, pathInRoot, putIfDifferent } from './root-files.ts';
import type { Task } from './task.ts';

export function configureNode({ host, goal }: RootFSContext, wanted: NodeFiles): Task {
  const { machineDirectory: root } = goal;
  return {
    name: 'ConfigureNode',
    async do(signal) {
      const { folders, files, links, absent } = wanted;
      const made = new Set([...folders, ...links.map(({ path }) => folderOf(path))]);
      for (const folder of made) {
        const inside = await pathInRoot(host, root, `${folder}/x`, signal);
        await mustRun(host, ['mkdir', '-p', folderOf(inside)], signal);
      }
      for (const { path, content, mode } of files) {
        const target = await pathInRoot(host, root, path, signal);
        await putIfDifferent(host, target, content, signal, mode);
      }
      for (const { path, target } of links) {
        const link = await pathInRoot(host, root, path, signal);
        if ((await host.stat(link, signal))?.kind !== 'link') await host.remove(link, signal);
        await mustRun(host, ['ln', '-sfn', target, link], signal);
      }
      for (const path of absent)
        await host.remove(await pathInRoot(host, root, path, signal), signal);
    },
  };
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
