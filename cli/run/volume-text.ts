// The short form of mounted volumes: `NAME:PATH[:ro]` for a volume of the machine, `/FOLDER:PATH[:ro]` for a folder of it. Pure.
import { UsageError } from '../usage-error.ts';

export interface MountedVolume {
  /** A name, or an absolute folder of the machine. */
  readonly source: string;
  readonly isFolder: boolean;
  /** Absolute, in the container. */
  readonly path: string;
  readonly isReadOnly: boolean;
}

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** @throws UsageError that says which part is wrong */
export function parseVolume(text: string): MountedVolume {
  const wrong = (why: string): UsageError => new UsageError(`volume ${text}: ${why}`);
  const [source = '', path, mode = 'rw', ...more] = text.split(':');
  if (path === undefined || more.length > 0)
    throw wrong('write it as NAME:PATH[:ro] or /FOLDER:PATH[:ro]');
  if (mode !== 'ro' && mode !== 'rw') throw wrong(`invalid mode '${mode}', use ro or rw`);
  if (!path.startsWith('/')) throw wrong(`the path in the container, '${path}', must be absolute`);
  const isFolder = source.startsWith('/');
  if (!isFolder && /^[.~]/.test(source))
    throw wrong(`'${source}' is relative: machines know no folder but absolute ones`);
  if (!isFolder && !NAME.test(source))
    throw wrong(`'${source}' is no name: use up to 63 lower-case letters, digits and -`);
  return { source, isFolder, path, isReadOnly: mode === 'ro' };
}
