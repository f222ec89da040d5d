// Files of this machine that Artifacts may name: those below the folders that whoever started us gave, and no other. Who may create
// Artifacts must not read the keys that lie beside.
import { glob, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ArtifactError } from '../binaries/artifact-error.ts';
import { digestOfFile } from '../binaries/digest.ts';
import type { LocalFile } from '../binaries/host-artifact.ts';

/** Of one folder or pattern. */
const MOST_FILES = 10_000;
const PATTERN = /[*?[\]{}!]/;

export class LocalFiles {
  readonly #folders: readonly string[];
  /** Real path → what it was when it was read; files that look the same are not read again. */
  readonly #digests = new Map<string, { readonly mark: string; readonly sha256: string }>();

  /** @param folders relative paths are looked for in each, in this order */
  constructor(folders: readonly string[]) {
    this.#folders = folders.map((folder) => resolve(folder));
  }

  /** The real path of a file. @throws ArtifactError `Refused` outside of the folders, `NotFound` when it is in none of them */
  async find(path: string): Promise<string> {
    if (this.#folders.length === 0)
      throw new ArtifactError(
        'Refused',
        `localPath ${path}: the controllers have no folder for such files; start them with --artifact-files DIR`,
      );
    let isOutside = false;
    for (const folder of this.#folders) {
      const real = await realpath(resolve(folder, path)).catch(() => undefined);
      const realFolder = await realpath(folder).catch(() => undefined);
      if (real === undefined || realFolder === undefined) continue;
      // Links are followed before the look at where it is.
      if (isBelow(realFolder, real)) return real;
      isOutside = true;
    }
    const folders = this.#folders.join(', ');
    throw isOutside
      ? new ArtifactError(
          'Refused',
          `localPath ${path} leads out of ${folders}, or to a hidden file; see --artifact-files`,
        )
      : new ArtifactError('NotFound', `localPath ${path} is not in ${folders}`);
  }

  /** SHA-256 of what it holds now, lower-case hex. @throws ArtifactError as `find` */
  async digestOf(path: string, signal: AbortSignal): Promise<string> {
    const real = await this.find(path);
    const { ino, size, mtimeMs, ctimeMs } = await stat(real);
    const mark = [ino, size, mtimeMs, ctimeMs].join(' ');
    const known = this.#digests.get(real);
    if (known?.mark === mark) return known.sha256;
    const sha256 = await digestOfFile(real, signal);
    if (this.#digests.size >= MOST_FILES) this.#digests.clear();
    this.#digests.set(real, { mark, sha256 });
    return sha256;
  }

  /**
   * A file, all files below a folder, or those that fit a pattern; hidden ones are left out. In order of name.
   *
   * @throws ArtifactError `NotFound` when there is none, `Refused` for one outside of the folders
   */
  async findAll(
    pattern: string,
    signal: AbortSignal,
  ): Promise<{ readonly isSingle: boolean; readonly files: readonly LocalFile[] }> {
    const parts = pattern.split('/');
    const plain = parts.findIndex((part) => PATTERN.test(part));
    const base = plain === -1 ? pattern : parts.slice(0, plain).join('/') || '.';
    if (parts.includes('..') || (pattern.startsWith('/') && plain === 1))
      throw new ArtifactError('Refused', `localPath ${pattern}: give a path below one folder`);
    if (plain === -1) {
      const real = await this.find(pattern);
      const found = await stat(real);
      if (found.isFile()) {
        const name = pattern.split('/').at(-1) ?? '';
        return { isSingle: true, files: [{ name, path: real, mode: found.mode & 0o777 }] };
      }
    }
    const rest = plain === -1 ? '**' : parts.slice(plain).join('/');
    const folder = base === '.' ? await this.#first() : await this.find(base);
    const files: LocalFile[] = [];
    for await (const name of glob(rest, { cwd: folder })) {
      signal.throwIfAborted();
      if (name.split(sep).some((part) => part.startsWith('.'))) continue;
      // Links are followed, and must not lead out.
      const path = await this.find(join(folder, name));
      const found = await stat(path);
      if (found.isFile()) files.push({ name, path, mode: found.mode & 0o777 });
      if (files.length > MOST_FILES)
        throw new ArtifactError('TooLarge', `localPath ${pattern}: more than ${MOST_FILES} files`);
    }
    if (files.length === 0)
      throw new ArtifactError('NotFound', `localPath ${pattern}: there is no such file`);
    return { isSingle: false, files: files.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
  }

  /** For a pattern without a folder before it. */
  async #first(): Promise<string> {
    const [folder] = this.#folders;
    if (folder === undefined) return this.find('.');
    return realpath(folder).catch(() => {
      throw new ArtifactError('NotFound', `folder ${folder} of --artifact-files does not exist`);
    });
  }
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  // Names with a dot in front are those of keys and state, `..` among them.
  return way !== '' && !isAbsolute(way) && !way.split(sep).some((name) => name.startsWith('.'));
}
