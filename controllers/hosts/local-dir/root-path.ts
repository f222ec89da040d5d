// Paths of a host whose root is a folder of this machine: as the host sees them in, real ones out. Links are followed as the host
// would follow them, with the folder as its root; what climbs out of the folder is refused. The folder must belong to whoever runs
// this: somebody who swaps links while a path is walked could win that race.
import { lstat, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HostCommandError } from '../host-errors.ts';
import { requirePath } from '../host-rules.ts';

const MOST_LINKS = 40;

/**
 * The real path. What does not exist is fine.
 *
 * @param followLast whether a link at the end is followed
 * @throws HostCommandError for a path that is not absolute and plain, or whose links lead out of the folder or in circles
 */
export async function realPath(root: string, path: string, followLast: boolean): Promise<string> {
  const todo = requirePath(path).split('/').filter(Boolean);
  let at = root;
  for (let links = 0; todo.length > 0;) {
    const part = todo.shift() ?? '';
    if (part === '.') continue;
    if (part === '..') {
      if (at === root)
        throw new HostCommandError(`${path}: a link on the way leads out of ${root}`);
      at = dirname(at);
      continue;
    }
    const next = join(at, part);
    const target = todo.length === 0 && !followLast ? undefined : await linkTarget(next);
    if (target === undefined) {
      at = next;
      continue;
    }
    if (++links > MOST_LINKS) throw new HostCommandError(`${path}: too many links on the way`);
    if (target.startsWith('/')) at = root;
    todo.unshift(...target.split('/').filter(Boolean));
  }
  return at;
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
