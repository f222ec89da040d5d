// The operating system in a root: what kubelet and container networking need inside of systemd-nspawn, and its resolver.
import { osFiles } from './os-files.ts';
import type { RootFSContext } from './rootfs-context.ts';
import { mustRun, pathInRoot, putIfDifferent } from './root-files.ts';
import type { Task } from './task.ts';

const RESOLVED = 'etc/systemd/system/systemd-resolved.service';

export function configureOS({ host, goal }: RootFSContext): Task {
  return {
    name: 'ConfigureOS',
    async do(signal) {
      for (const { path, content } of osFiles(goal)) {
        const target = await pathInRoot(host, goal.machineDirectory, path, signal);
        await putIfDifferent(host, target, content, signal);
      }
    },
  };
}

/**
 * Masks systemd-resolved, which has no upstream in there and would write "no DNS servers known", and gives the root the resolver
 * configuration of its host, with which it shares the network.
 */
export function disableResolved({ host, goal }: RootFSContext): Task {
  return {
    name: 'DisableResolved',
    async do(signal) {
      const root = goal.machineDirectory;
      const mask = await pathInRoot(host, root, RESOLVED, signal);
      const folder = mask.slice(0, mask.lastIndexOf('/'));
      await mustRun(host, ['mkdir', '-p', folder], signal);
      if ((await host.stat(mask, signal))?.kind !== 'link') await host.remove(mask, signal);
      await mustRun(host, ['ln', '-sfn', '/dev/null', mask], signal);
      const content = await host.readFile('/etc/resolv.conf', signal);
      const target = await pathInRoot(host, root, 'etc/resolv.conf', signal);
      // An image often has a link here, to a file that only systemd-resolved would make.
      if ((await host.stat(target, signal))?.kind === 'link') await host.remove(target, signal);
      // A host without one has no names to give either.
      if (content !== undefined)
        await putIfDifferent(host, target, new TextDecoder().decode(content), signal);
    },
  };
}
