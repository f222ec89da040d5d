// What the layers of an image make together: a tree of names that only exists in memory, so that no name of a stranger's archive ever
// reaches a file system before it was judged. Contents lie elsewhere; nodes say where.

export type Content = { readonly offset: number; readonly size: number };

/** What a name stands for. Two names of one node are hard links. */
export interface TreeNode {
  readonly kind: 'file' | 'directory' | 'symlink' | 'fifo' | 'character-device' | 'block-device';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly modified: number;
  readonly target?: string;
  readonly content?: Content;
  readonly device?: { readonly major: number; readonly minor: number };
  readonly children?: Map<string, TreeNode>;
}

export class TreeError extends Error {
  override readonly name = 'TreeError';
}

const MOST_LINKS = 40;
const MOST_NAMES = 2_000_000;
const ROOT: TreeNode = { kind: 'directory', mode: 0o755, uid: 0, gid: 0, modified: 0 };
const NO_CHILDREN: ReadonlyMap<string, TreeNode> = new Map();

export class ImageTree {
  readonly root: TreeNode = { ...ROOT, children: new Map() };
  #names = 0;

  /** Puts a node at a path, making the folders above; what was there is replaced, but a directory keeps what it holds. */
  put(path: string, node: TreeNode): void {
    const parts = partsOf(path);
    const name = parts.pop();
    if (name === undefined) return;
    const parent = this.#folder(parts, path);
    const before = parent.get(name);
    this.#names += before === undefined ? 1 : 0;
    if (this.#names > MOST_NAMES)
      throw new TreeError(`the image has more than ${MOST_NAMES} files`);
    if (node.kind !== 'directory') parent.set(name, node);
    else parent.set(name, { ...node, children: before?.children ?? new Map() });
  }

  /** One more name for what is there. @throws TreeError when nothing is */
  link(path: string, target: string): void {
    const node = this.get(target);
    if (node === undefined)
      throw new TreeError(`${shown(path)} is a link to ${shown(target)}, which is not there`);
    if (node.kind === 'directory') throw new TreeError(`${shown(path)} is a hard link to a folder`);
    this.put(path, node);
  }

  /** Undefined when nothing is there. A link at the end is not followed. */
  get(path: string): TreeNode | undefined {
    const parts = partsOf(path);
    const name = parts.pop();
    if (name === undefined) return this.root;
    return this.#find(parts)?.get(name);
  }

  /** With all below; nothing there is fine. */
  remove(path: string): void {
    const parts = partsOf(path);
    const name = parts.pop();
    if (name !== undefined) this.#find(parts)?.delete(name);
  }

  /** Whatever a folder holds. */
  empty(path: string): void {
    const node = this.get(path);
    node?.children?.clear();
  }

  /** Every name but the root, folders before what they hold, in order of name. */
  *entries(): Generator<{ readonly path: string; readonly node: TreeNode }> {
    const open: { readonly path: string; readonly node: TreeNode }[] = [
      { path: '', node: this.root },
    ];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next.path !== '') yield next;
      const prefix = next.path === '' ? '' : `${next.path}/`;
      const names = [...(next.node.children ?? NO_CHILDREN)].toSorted(([a], [b]) =>
        a < b ? 1 : -1,
      );
      for (const [name, node] of names) open.push({ path: prefix + name, node });
    }
  }

  #find(parts: readonly string[]): Map<string, TreeNode> | undefined {
    return this.#walk(parts, false);
  }

  #folder(parts: readonly string[], path: string): Map<string, TreeNode> {
    const found = this.#walk(parts, true);
    if (found === undefined) throw new TreeError(`${shown(path)}: what is above it is no folder`);
    return found;
  }

  /** Follows links as inside of the root: the root is the end of every `..` that an image may write. */
  #walk(parts: readonly string[], makes: boolean): Map<string, TreeNode> | undefined {
    let left = [...parts];
    let path: TreeNode[] = [this.root];
    let links = 0;
    while (left.length > 0) {
      const [name = '', ...rest] = left;
      left = rest;
      if (name === '..') {
        if (path.length === 1) throw new TreeError('a link of the image leads out of its root');
        path = path.slice(0, -1);
        continue;
      }
      const here = path.at(-1)?.children;
      let node = here?.get(name);
      if (node === undefined) {
        if (!makes) return undefined;
        node = { ...ROOT, children: new Map() };
        here?.set(name, node);
      }
      if (node.kind === 'symlink') {
        links += 1;
        if (links > MOST_LINKS) throw new TreeError('links of the image lead to each other');
        const target = node.target ?? '';
        if (target.startsWith('/')) path = [this.root];
        left = [...target.split('/').filter((part) => part !== '' && part !== '.'), ...left];
      } else if (node.kind === 'directory') path = [...path, node];
      else return undefined;
    }
    return path.at(-1)?.children;
  }
}

/**
 * The parts of a name in an archive.
 *
 * @throws TreeError for a name that leads out of the root, or is none
 */
export function partsOf(path: string): string[] {
  if (path.includes('\0')) throw new TreeError('an entry of the archive has a name that is none');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new TreeError(`${shown(path)} leads out of the root`);
  return parts;
}

function shown(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 199)}…` : path);
}
