// Files that a spec declares for a host: from its own words, from an Artifact, or from files of this machine; what each must be is
// found out here, before anything is put anywhere.
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { ArtifactError } from './artifact-error.ts';
import { digestOfFile } from './digest.ts';
import { parseMode } from './file-mode.ts';
import type { HostArtifacts } from './host-artifact.ts';
import { readPieces } from './read-pieces.ts';

/** `spec.files[]`; has exactly one of the first four. */
export interface FileSpec {
  readonly content?: string;
  /** Base64. */
  readonly binaryContent?: string;
  readonly artifact?: { readonly name: string };
  /** Of the machine of the controllers: a file, a folder, or a pattern. */
  readonly localPath?: string;
  /** The file; the folder that gets the files, where it ends with a slash or there may be several. */
  readonly path: string;
  readonly mode?: number | string;
  /** Of folders that have to be made. */
  readonly directoryMode?: number | string;
  readonly owner?: FileOwner;
}

/** Names or numbers. */
export interface FileOwner {
  readonly user?: string;
  readonly group?: string;
}

export interface DeclaredFile {
  /** Absolute, on the host. */
  readonly path: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly mode: number;
  readonly directoryMode: number;
  readonly owner: FileOwner;
  readonly open: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
}

const MODE = 0o644;
const DIRECTORY_MODE = 0o755;

type Found = Pick<DeclaredFile, 'sha256' | 'open'> & {
  /** Below the path; empty: the path itself. */
  readonly name: string;
  readonly mode: number;
};

/** In the order of the spec: of two that need the same folder, the first says its mode. Pending: an Artifact is not there yet. @throws ArtifactError for what is not there, or makes no sense */
export async function declaredFiles(
  artifacts: HostArtifacts,
  namespace: string,
  specs: readonly FileSpec[],
  signal: AbortSignal,
): Promise<readonly DeclaredFile[] | { readonly pending: string }> {
  const files = new Map<string, DeclaredFile>();
  for (const [index, spec] of specs.entries()) {
    const where = `spec.files[${index}]`;
    const found = await sourceOf(artifacts, namespace, spec, where, signal);
    if ('pending' in found) return found;
    const { mode, directoryMode = DIRECTORY_MODE, owner = {} } = spec;
    for (const { name, ...file } of found) {
      const path = pathOf(spec.path, name, where);
      if (files.has(path)) throw invalid(`${where}: ${path} is declared twice`);
      files.set(path, {
        path,
        owner,
        ...file,
        ...(mode === undefined ? {} : { mode: parseMode(mode) }),
        directoryMode: parseMode(directoryMode),
      });
    }
  }
  return [...files.values()];
}

async function sourceOf(
  artifacts: HostArtifacts,
  namespace: string,
  { content, binaryContent, artifact, localPath, path }: FileSpec,
  where: string,
  signal: AbortSignal,
): Promise<readonly Found[] | { readonly pending: string }> {
  if (localPath !== undefined) return locals(artifacts, localPath, path, signal);
  if (path.endsWith('/')) throw invalid(`${where}.path: ${path} is a folder; name the file`);
  if (artifact !== undefined) return fromArtifact(artifacts, namespace, artifact.name, signal);
  if (content === undefined && binaryContent === undefined)
    throw invalid(`${where}: give content, binaryContent, artifact or localPath`);
  const bytes = Buffer.from(
    content ?? binaryContent ?? '',
    content === undefined ? 'base64' : 'utf8',
  );
  return [
    {
      name: '',
      sha256: createHash('sha256').update(bytes).digest('hex'),
      mode: MODE,
      open: () => once(bytes),
    },
  ];
}

async function fromArtifact(
  artifacts: HostArtifacts,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<readonly Found[] | { readonly pending: string }> {
  const found = await artifacts.find(namespace, name, signal);
  if ('pending' in found) return found;
  const { type, digest = '', mode = MODE, delivery } = found;
  if (type === 'Tar')
    throw invalid(`Artifact ${name} is an archive: name it in spec.artifacts, to be unpacked`);
  if (delivery.by === 'Existing')
    throw invalid(`Artifact ${name} is what hosts have already: name it in spec.artifacts`);
  // Declared files are small, and all are put by us.
  if (delivery.by === 'NodePull') await artifacts.bring(namespace, name, signal);
  const sha256 = digest.replace(/^sha256:/, '');
  return [{ name: '', sha256, mode, open: (inner) => artifacts.open(digest, inner) }];
}

async function locals(
  artifacts: HostArtifacts,
  pattern: string,
  path: string,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const { isSingle, files } = await artifacts.localFiles(pattern, signal);
  return Promise.all(
    files.map(async ({ name, path: local, mode }) => ({
      name: isSingle && !path.endsWith('/') ? '' : name,
      sha256: await digestOfFile(local, signal),
      mode,
      open: (inner: AbortSignal) => readPieces(local, inner),
    })),
  );
}

/** @throws ArtifactError for a path that is not plain, or leads out of its folder */
function pathOf(base: string, name: string, where: string): string {
  const path = name === '' ? base : `${base.replace(/\/+$/, '')}/${name}`;
  if (
    !path.startsWith('/') ||
    path.includes('\0') ||
    posix.normalize(path) !== path ||
    path === '/'
  )
    throw invalid(`${where}.path: ${JSON.stringify(path)} is no plain absolute path`);
  return path;
}

function invalid(message: string): ArtifactError {
  return new ArtifactError('Invalid', message);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
