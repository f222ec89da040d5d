// Prepares the volumes of a Pod as files and folders of this machine; the runtime then mounts them. Keys of ConfigMaps and Secrets
// become file names only when they cannot leave the volume. All of it lies below a folder that only the agent's user may enter;
// what is asked for in modes holds inside of containers, which may run as other users.
import { chmod, chown, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, normalize, relative } from 'node:path';
import type { V1KeyToPath, V1Volume } from '@kubernetes/client-node';
import { fileOwnersOf } from './file-owners.ts';
import type { FileOwner } from './file-owners.ts';
import { fieldValue, resourceValue } from './environment.ts';
import type { References } from './environment.ts';
import type { Container, Pod } from './pod.ts';
import { StartError } from '../runtimes/runtime.ts';
import { tokenKey, tokenSourcesOf } from './token-source.ts';
import type { TokenProjection } from './token-source.ts';
import { makeDirectory } from '#platform/make-directory.ts';
import type { Mount } from '../runtimes/runtime.ts';

export interface VolumeFolders {
  /** Of this Pod; removed with it. */
  readonly pod: string;
  /** Node-local volumes, `<namespace>/<claim>` below; they outlive Pods. */
  readonly claims: string;
  /** Secrets are never readable for other users, whatever their modes say: right where containers run as the agent's user. */
  readonly ownerOnlySecrets: boolean;
}

interface FileEntry {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number | undefined;
  readonly secret: boolean;
}

/** Host path of each volume, by name. @throws StartError naming the volume */
export async function prepareVolumes(
  pod: Pod,
  references: References,
  folders: VolumeFolders,
  hostIP: string,
): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>();
  const { volumes = [] } = pod.spec;
  if (volumes.length === 0) return paths;
  await mkdir(folders.pod, { recursive: true, mode: 0o700 });
  await mkdir(folders.claims, { recursive: true, mode: 0o700 });
  for (const volume of volumes) {
    try {
      paths.set(volume.name, await prepare(volume, pod, references, folders, hostIP));
    } catch (error) {
      if (error instanceof StartError) throw error;
      throw failed(volume.name, (error as Error).message, error);
    }
  }
  return paths;
}

/** @throws StartError for a mount of a volume that the Pod does not have, or a subPath that leaves it */
export async function mountsOf(
  container: Container,
  volumes: ReadonlyMap<string, string>,
  engineVolumes: ReadonlyMap<string, string> = new Map(),
): Promise<Mount[]> {
  const mounts: Mount[] = [];
  for (const { name, mountPath, subPath, readOnly } of container.volumeMounts ?? []) {
    const engineVolume = engineVolumes.get(name);
    if (engineVolume !== undefined) {
      const part = subPath === undefined ? {} : { subPath: safePath(name, subPath) };
      const from = { hostPath: '', engineVolume: { name: engineVolume, ...part } };
      mounts.push({ containerPath: mountPath, readOnly: readOnly ?? false, ...from });
      continue;
    }
    const base = volumes.get(name);
    if (base === undefined) throw failed(name, 'the Pod has no volume of that name');
    const hostPath = subPath === undefined ? base : join(base, safePath(name, subPath));
    if (subPath !== undefined && (await stat(hostPath).catch(() => undefined)) === undefined) {
      await mkdir(hostPath, { recursive: true });
    }
    mounts.push({ containerPath: mountPath, readOnly: readOnly ?? false, hostPath });
  }
  return mounts;
}

async function prepare(
  volume: V1Volume,
  pod: Pod,
  references: References,
  folders: VolumeFolders,
  hostIP: string,
): Promise<string> {
  const directory = join(folders.pod, safePath(volume.name, volume.name));
  if (volume.hostPath !== undefined) return hostPath(volume);
  if (volume.persistentVolumeClaim !== undefined) {
    const claim = safePath(volume.name, volume.persistentVolumeClaim.claimName);
    const path = join(folders.claims, pod.metadata.namespace ?? 'default', claim);
    await makeShared(path);
    return path;
  }
  if (volume.emptyDir !== undefined) {
    await makeShared(directory);
    return directory;
  }
  const files = filesOf(volume, pod, references, hostIP);
  const owner = fileOwnersOf(pod).get(volume.name) ?? {};
  await writeAll(directory, files, folders.ownerOnlySecrets, owner);
  return directory;
}

function filesOf(volume: V1Volume, pod: Pod, references: References, hostIP: string): FileEntry[] {
  const { configMap, secret, downwardAPI, projected, name } = volume;
  if (configMap !== undefined) {
    const found = dataOf(
      volume.name,
      'configmap',
      configMap.name ?? '',
      configMap.optional,
      references,
    );
    return select(name, found, configMap.items, configMap.defaultMode, configMap.optional);
  }
  if (secret !== undefined) {
    const found = dataOf(name, 'secret', secret.secretName ?? '', secret.optional, references);
    return secretFiles(select(name, found, secret.items, secret.defaultMode, secret.optional));
  }
  if (downwardAPI !== undefined) {
    return downward(name, downwardAPI.items ?? [], downwardAPI.defaultMode, pod, hostIP);
  }
  if (projected !== undefined) {
    return (projected.sources ?? []).flatMap((source) => {
      const mode = projected.defaultMode;
      if (source.configMap !== undefined) {
        const { name: of = '', optional, items } = source.configMap;
        return select(
          name,
          dataOf(name, 'configmap', of, optional, references),
          items,
          mode,
          optional,
        );
      }
      if (source.secret !== undefined) {
        const { name: of = '', optional, items } = source.secret;
        const found = dataOf(name, 'secret', of, optional, references);
        return secretFiles(select(name, found, items, mode, optional));
      }
      if (source.downwardAPI !== undefined) {
        return downward(name, source.downwardAPI.items ?? [], mode, pod, hostIP);
      }
      if (source.serviceAccountToken !== undefined) {
        return [tokenFile(name, source.serviceAccountToken, mode, references)];
      }
      if (source.clusterTrustBundle?.optional === true) return [];
      throw failed(
        name,
        `its source ${Object.keys(source)[0] ?? 'none'} is not supported: use configMap, secret, downwardAPI or serviceAccountToken`,
      );
    });
  }
  const type = Object.keys(volume).find((key) => key !== 'name') ?? 'none';
  throw failed(
    name,
    `its type ${type} is not supported: use configMap, secret, emptyDir, hostPath, projected, downwardAPI or persistentVolumeClaim`,
  );
}

function tokenFile(
  volume: string,
  projection: TokenProjection,
  mode: number | undefined,
  { tokens }: References,
): FileEntry {
  const token = tokens?.get(tokenKey(projection));
  if (token === undefined) throw failed(volume, 'there is no token for it');
  const path = safePath(volume, projection.path);
  return { path, content: Buffer.from(token), mode, secret: true };
}

/** Writes the tokens of volumes that are there, each file at once; the rest of the volumes stays. */
export async function replaceTokens(
  pod: Pod,
  references: References,
  folders: VolumeFolders,
): Promise<void> {
  for (const { volume, mode, projection } of tokenSourcesOf(pod)) {
    const directory = join(folders.pod, safePath(volume, volume));
    const owner = fileOwnersOf(pod).get(volume) ?? {};
    const file = tokenFile(volume, projection, mode, references);
    await writeEntry(directory, file, folders.ownerOnlySecrets, owner);
  }
}

function dataOf(
  volume: string,
  kind: 'configmap' | 'secret',
  name: string,
  optional: boolean | undefined,
  references: References,
): ReadonlyMap<string, Buffer> {
  const found = (kind === 'configmap' ? references.configMaps : references.secrets).get(name);
  if (found !== undefined) return found;
  if (optional === true) return new Map();
  throw failed(volume, `${kind} "${name}" not found: create it, or mark the volume optional`);
}

function secretFiles(files: readonly FileEntry[]): FileEntry[] {
  return files.map((file) => ({ ...file, secret: true }));
}

function select(
  volume: string,
  data: ReadonlyMap<string, Buffer>,
  items: readonly V1KeyToPath[] | undefined,
  mode: number | undefined,
  optional: boolean | undefined,
): FileEntry[] {
  if (items === undefined || items.length === 0) {
    return [...data].map(([key, content]) => ({
      path: safePath(volume, key),
      content,
      mode,
      secret: false,
    }));
  }
  return items.flatMap((item) => {
    const content = data.get(item.key);
    if (content !== undefined) {
      return [
        { path: safePath(volume, item.path), content, mode: item.mode ?? mode, secret: false },
      ];
    }
    if (optional === true) return [];
    throw failed(volume, `it asks for the key ${JSON.stringify(item.key)}, which is not there`);
  });
}

function downward(
  volume: string,
  items: readonly NonNullable<NonNullable<V1Volume['downwardAPI']>['items']>[number][],
  mode: number | undefined,
  pod: Pod,
  hostIP: string,
): FileEntry[] {
  return items.map((item) => {
    const of = pod.spec.containers.find(
      ({ name }) => name === item.resourceFieldRef?.containerName,
    );
    const text =
      item.fieldRef !== undefined
        ? fieldValue(item.fieldRef.fieldPath, pod, hostIP)
        : resourceValue(
            of?.resources,
            item.resourceFieldRef?.resource ?? '',
            item.resourceFieldRef?.divisor ?? '0',
          );
    return {
      path: safePath(volume, item.path),
      content: Buffer.from(text),
      mode: item.mode ?? mode,
      secret: false,
    };
  });
}

async function hostPath(volume: V1Volume): Promise<string> {
  const { path = '', type = '' } = volume.hostPath ?? {};
  if (type === 'DirectoryOrCreate') makeDirectory(path);
  if (type === 'FileOrCreate') await writeFile(path, '', { flag: 'a' });
  const found = await stat(path).catch(() => undefined);
  if (found === undefined && type !== '') {
    throw failed(volume.name, `hostPath ${path} does not exist on this machine`);
  }
  const wrong =
    (type.startsWith('Directory') && found?.isDirectory() === false) ||
    (type.startsWith('File') && found?.isFile() === false);
  if (wrong) throw failed(volume.name, `hostPath ${path} is not of type ${type}`);
  return path;
}

/** A folder that every user of a container may write to, as upstream's are. */
async function makeShared(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true });
  if (made !== undefined) await chmod(path, 0o777);
}

/** Writes files beside their old versions and renames, so that a reader sees the old content or the new; other files go. */
async function writeAll(
  directory: string,
  files: readonly FileEntry[],
  ownerOnlySecrets: boolean,
  owner: FileOwner,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const isPrivate = ownerOnlySecrets && files.some(({ secret }) => secret);
  await chmod(directory, isPrivate ? 0o700 : 0o755);
  for (const file of files) await writeEntry(directory, file, ownerOnlySecrets, owner);
  const wanted = new Set(files.map(({ path }) => path));
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isDirectory() && !wanted.has(relative(directory, path))) await rm(path);
  }
}

async function writeEntry(
  directory: string,
  { path, content, mode = 0o644, secret }: FileEntry,
  ownerOnlySecrets: boolean,
  owner: FileOwner,
): Promise<void> {
  const target = join(directory, path);
  await mkdir(dirname(target), { recursive: true });
  const temporary = `${target}.windlass-new`;
  await rm(temporary, { force: true });
  await writeFile(temporary, content, { mode: 0o600 });
  await chmod(temporary, secret && ownerOnlySecrets ? mode & 0o700 : mode);
  await giveTo(temporary, owner);
  await rename(temporary, target);
}

/** @throws Error where only root may do that */
async function giveTo(file: string, { uid, gid }: FileOwner): Promise<void> {
  const [ownUid, ownGid] = [process.getuid?.() ?? -1, process.getgid?.() ?? -1];
  if ((uid ?? ownUid) === ownUid && (gid ?? ownGid) === ownGid) return;
  try {
    await chown(file, uid ?? ownUid, gid ?? ownGid);
  } catch (error) {
    throw new Error(
      `its files shall belong to ${uid ?? ownUid}:${gid ?? ownGid}, and only root may give files away: run the agent as root, or leave uid and gid out`,
      { cause: error },
    );
  }
}

/** A relative path that stays where it is put. @throws StartError */
function safePath(volume: string, path: string): string {
  const clean = normalize(path);
  if (path === '' || path.startsWith('/') || path.split('/').includes('..') || clean === '.') {
    throw failed(
      volume,
      `the path ${JSON.stringify(path)} must be relative and must not contain ".."`,
    );
  }
  return clean;
}

function failed(volume: string, why: string, cause?: unknown): StartError {
  return new StartError('FailedMount', `Cannot prepare volume ${volume}: ${why}`, cause);
}
