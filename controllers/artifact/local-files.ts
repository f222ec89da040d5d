// Files of this machine that Artifacts may name: those below the folders that whoever started us gave, and no other. Who may create
// Artifacts must not read the keys that lie beside.
import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { ArtifactError } from '../binaries/artifact-error.ts';

export class LocalFiles {
  readonly #folders: readonly string[];

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
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  // Names with a dot in front are those of keys and state, `..` among them.
  return way !== '' && !isAbsolute(way) && !way.split(sep).some((name) => name.startsWith('.'));
}
