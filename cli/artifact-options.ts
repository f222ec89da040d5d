// Flags that say where artifacts are kept, and which files of this machine they may be.
import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { OptionTable } from './options.ts';

export const artifactFilesOption = {
  'artifact-files': {
    type: 'list',
    placeholder: 'DIR',
    help: 'Artifacts may name files below this folder (localPath)',
  },
} as const satisfies OptionTable;

export const ARTIFACT_STORE_HELP = 'Where artifacts are kept';

/** The store in a data directory. */
export function artifactStoreIn(dataDirectory: string): string {
  return join(dataDirectory, 'artifacts');
}

/** Folders given by a flag, then those of manifests: a path in a manifest is found beside it. */
export function artifactFolders(
  given: readonly string[],
  manifests: readonly string[],
): readonly string[] {
  const beside = manifests.map((path) => {
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    return isFolder ? path : dirname(path);
  });
  return [...new Set([...given, ...beside].map((folder) => resolve(folder)))];
}
