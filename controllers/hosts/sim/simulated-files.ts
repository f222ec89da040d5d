// The file tree of a simulated machine: a map from path to node. Paths are those of host-rules.ts.
import type { Clock } from '#platform/clock.ts';
import type { FileStat } from '../host-driver.ts';
import { HostCommandError } from '../host-errors.ts';
import { folderOf } from '../host-rules.ts';

interface Node {
  readonly kind: FileStat['kind'];
  readonly content: Uint8Array;
  readonly mode: number;
  readonly modifiedMillis: number;
  /** Of a link. */
  readonly target?: string;
}

const NOTHING = new Uint8Array();
const MOST_LINKS = 40;

export class SimulatedFiles {
  readonly #clock: Clock;
  readonly #nodes = new Map<string, Node>();
  /** Bytes that fit; may be changed at any time. */
  diskBytes: number;
  #used = 0;

  constructor(clock: Clock, diskBytes = Number.POSITIVE_INFINITY) {
    this.#clock = clock;
    this.diskBytes = diskBytes;
    this.makeFolders('/');
  }

  /** All paths, sorted; for tests that compare whole machines. */
  get paths(): readonly string[] {
    return [...this.#nodes.keys()].toSorted();
  }

  stat(path: string): FileStat | undefined {
    const node = this.#nodes.get(this.#real(path, false));
    if (node === undefined) return undefined;
    const { kind, content, mode, modifiedMillis } = node;
    return { kind, size: content.length, mode, modifiedMillis };
  }

  /** Undefined where there is no file, whatever else is there. */
  read(path: string): Uint8Array | undefined {
    const node = this.#nodes.get(this.#real(path, true));
    return node?.kind === 'file' ? node.content : undefined;
  }

  list(path: string): readonly string[] | undefined {
    const real = this.#real(path, true);
    if (this.#nodes.get(real)?.kind !== 'directory') return undefined;
    const start = real === '/' ? '/' : `${real}/`;
    return [...this.#nodes.keys()]
      .filter(
        (name) => name.startsWith(start) && name !== '/' && !name.slice(start.length).includes('/'),
      )
      .map((name) => name.slice(start.length))
      .toSorted();
  }

  /** @throws HostCommandError when the disk is full, a folder is missing or one is in the way */
  write(path: string, content: Uint8Array, mode: number, modifiedMillis?: number): void {
    const real = this.#real(path, false);
    if (this.#nodes.get(folderOf(real))?.kind !== 'directory')
      throw new HostCommandError(`${folderOf(path)}: not a folder`);
    if (this.#nodes.get(real)?.kind === 'directory')
      throw new HostCommandError(`${path}: is a folder`);
    const grows = content.length - (this.#nodes.get(real)?.content.length ?? 0);
    if (this.#used + grows > this.diskBytes)
      throw new HostCommandError(`${path}: no space left on device`);
    this.#set(real, {
      kind: 'file',
      content,
      mode,
      modifiedMillis: modifiedMillis ?? this.#clock.now(),
    });
  }

  link(path: string, target: string): void {
    const real = this.#real(path, false);
    this.#set(real, {
      kind: 'link',
      content: NOTHING,
      mode: 0o777,
      modifiedMillis: this.#clock.now(),
      target,
    });
  }

  chmod(path: string, mode: number): void {
    const real = this.#real(path, true);
    const node = this.#nodes.get(real);
    if (node === undefined) throw new HostCommandError(`${path}: no such file or folder`);
    this.#set(real, { ...node, mode });
  }

  /** @throws HostCommandError when something on the way is no folder */
  makeFolders(path: string): void {
    const real = this.#real(path, true);
    const found = this.#nodes.get(real);
    if (found?.kind === 'directory') return;
    if (found !== undefined) throw new HostCommandError(`${path}: is in the way: a ${found.kind}`);
    if (real !== '/') this.makeFolders(folderOf(real));
    this.#set(real, {
      kind: 'directory',
      content: NOTHING,
      mode: 0o755,
      modifiedMillis: this.#clock.now(),
    });
  }

  rename(from: string, to: string): void {
    const [source, target] = [this.#real(from, false), this.#real(to, false)];
    const node = this.#nodes.get(source);
    if (node === undefined) throw new HostCommandError(`${from}: no such file or folder`);
    if (this.#nodes.get(folderOf(target))?.kind !== 'directory')
      throw new HostCommandError(`${folderOf(to)}: not a folder`);
    if (source === target) return;
    if (target.startsWith(`${source}/`)) throw new HostCommandError(`${to}: lies in ${from}`);
    const there = this.#nodes.get(target);
    if (there !== undefined && (there.kind === 'directory') !== (node.kind === 'directory'))
      throw new HostCommandError(`${to}: is in the way: a ${there.kind}`);
    if (there?.kind === 'directory' && this.#below(target).length > 0)
      throw new HostCommandError(`${to}: is not empty`);
    this.remove(to);
    for (const name of [source, ...this.#below(source)]) {
      const moved = this.#nodes.get(name);
      this.#drop(name);
      if (moved !== undefined) this.#set(target + name.slice(source.length), moved);
    }
  }

  remove(path: string): void {
    const real = this.#real(path, false);
    for (const name of [real, ...this.#below(real)]) this.#drop(name);
  }

  #below(real: string): readonly string[] {
    return [...this.#nodes.keys()].filter((name) => name.startsWith(`${real}/`));
  }

  #set(real: string, node: Node): void {
    this.#drop(real);
    this.#nodes.set(real, node);
    this.#used += node.content.length;
  }

  #drop(real: string): void {
    this.#used -= this.#nodes.get(real)?.content.length ?? 0;
    this.#nodes.delete(real);
  }

  /** The path with its links followed; the last part only where asked. */
  #real(path: string, followLast: boolean): string {
    const todo = path.split('/').filter((part) => part !== '');
    let at = '';
    for (let links = 0; todo.length > 0;) {
      const part = todo.shift() ?? '';
      if (part === '.') continue;
      if (part === '..') {
        at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
        continue;
      }
      const node = this.#nodes.get(`${at}/${part}`);
      if (node?.target === undefined || (todo.length === 0 && !followLast)) {
        at = `${at}/${part}`;
        continue;
      }
      if (++links > MOST_LINKS) throw new HostCommandError(`${path}: too many links`);
      if (node.target.startsWith('/')) at = '';
      todo.unshift(...node.target.split('/').filter((name) => name !== ''));
    }
    return at === '' ? '/' : at;
  }
}
