// Prepares the volumes of a Pod as files and folders of this machine; the runtime then mounts them. Keys of ConfigMaps and Secrets
// become file names only when they cannot leave the volume. Secrets are 0600 in 0700 folders and go with the Pod.
import { chmod, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import type { V1KeyToPath, V1Volume } from '@kubernetes/client-node';
import { fieldValue, resourceValue } from './environment.ts';
import type { References } from './environment.ts';
import type { Container, Pod } from './pod.ts';
import { StartError } from '../runtimes/runtime.ts';
import type { Mount } from '../runtimes/runtime.ts';

export interface VolumeFolders {
  /** Of this Pod; removed with it. */
  readonly pod: string;
  /** Node-local volumes, `<namespace>/<claim>` below; they outlive Pods. */
  readonly claims: string;
}

interface FileEntry {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number | undefined;
}

/** Host path of each volume, by name. @throws StartError naming the volume */
export async function prepareVolumes(
  pod: Pod,
  references: References,
  folders: VolumeFolders,
  hostIP: string,
): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>();
  for (const volume of pod.spec.volumes ?? []) {
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
): Promise<Mount[]> {
  const mounts: Mount[] = [];
  for (const { name, mountPath, subPath, readOnly } of container.volumeMounts ?? []) {
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
    await mkdir(path, { recursive: true, mode: 0o700 });
    return path;
  }
  if (volume.emptyDir !== undefined) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return directory;
  }
  const secret = volume.secret !== undefined;
  await writeAll(directory, filesOf(volume, pod, references, hostIP), secret ? 0o600 : 0o644);
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
    return select(name, found, secret.items, secret.defaultMode, secret.optional);
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
        // Never readable for others, whatever the volume as a whole says.
        const files = select(
          name,
          dataOf(name, 'secret', of, optional, references),
          items,
          mode,
          optional,
        );
        return files.map((file) => ({ ...file, mode: file.mode ?? 0o600 }));
      }
      if (source.downwardAPI !== undefined) {
        return downward(name, source.downwardAPI.items ?? [], mode, pod, hostIP);
      }
      // The API access token of upstream's default volume: there are no service account tokens yet.
      return [];
    });
  }
  const type = Object.keys(volume).find((key) => key !== 'name') ?? 'none';
  throw failed(
    name,
    `its type ${type} is not supported: use configMap, secret, emptyDir, hostPath, projected, downwardAPI or persistentVolumeClaim`,
  );
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

function select(
  volume: string,
  data: ReadonlyMap<string, Buffer>,
  items: readonly V1KeyToPath[] | undefined,
  mode: number | undefined,
  optional: boolean | undefined,
): FileEntry[] {
  if (items === undefined || items.length === 0) {
    return [...data].map(([key, content]) => ({ path: safePath(volume, key), content, mode }));
  }
  return items.flatMap((item) => {
    const content = data.get(item.key);
    if (content !== undefined) {
      return [{ path: safePath(volume, item.path), content, mode: item.mode ?? mode }];
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
    };
  });
}

async function hostPath(volume: V1Volume): Promise<string> {
  const { path = '', type = '' } = volume.hostPath ?? {};
  if (type === 'DirectoryOrCreate') await mkdir(path, { recursive: true });
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

/** Writes files beside their old versions and renames, so that a reader sees the old content or the new. */
async function writeAll(
  directory: string,
  files: readonly FileEntry[],
  defaultMode: number,
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const { path, content, mode } of files) {
    const target = join(directory, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    const temporary = `${target}.windlass-new`;
    await rm(temporary, { force: true });
    await writeFile(temporary, content, { mode: 0o600 });
    await chmod(
      temporary,
      defaultMode === 0o600 ? (mode ?? defaultMode) & 0o700 : (mode ?? defaultMode),
    );
    await rename(temporary, target);
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
