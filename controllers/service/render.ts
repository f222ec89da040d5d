// From a revision of a service to the Pod template that its instances are made of: named volumes become claims, configs and secrets
// files, and what a PodSpec has no word for an annotation. Pure, and the same on every node.
import { createHash } from 'node:crypto';
import type { V1Container, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import { mountedVolumes } from './revision-data.ts';
import { safeHash } from '../machinery/safe-hash.ts';
import { ENGINE_ANNOTATION, FILE_OWNERS_ANNOTATION } from './types.ts';
import type { FileMount, PodTemplate, RevisionSpec, ServiceConfig } from './types.ts';
import { withFields } from './with-fields.ts';

/** Read by all, written by nobody: as config files are. */
const DEFAULT_MODE = 0o444;

export function renderTemplate(spec: RevisionSpec, serviceName: string): PodTemplate {
  const { template, configs = [], secrets = [], engine } = spec;
  const claims = mountedVolumes(spec).map(({ name, claimName = name }): V1Volume => ({
    name,
    persistentVolumeClaim: { claimName },
  }));
  const map = configMapName(serviceName, configs);
  const files = [
    ...configs.flatMap((config) =>
      mountsOf(config).map((mount, index) =>
        fileOf(`config-${config.name}`, index, config.name, mount, (mode) => ({
          configMap: { name: map, items: [{ key: config.name, path: config.name, mode }] },
        })),
      ),
    ),
    ...secrets.flatMap((secret) =>
      mountsOf(secret).map((mount, index) =>
        fileOf(`secret-${secret.name}`, index, secret.name, mount, (mode) => ({
          secret: {
            secretName: secret.secretName ?? secret.name,
            items: [{ key: secret.key ?? secret.name, path: secret.name, mode }],
          },
        })),
      ),
    ),
  ];
  if (claims.length + files.length === 0 && engine === undefined) return template;
  const owners = Object.fromEntries(
    files.flatMap(({ volume, owner }) => (owner === undefined ? [] : [[volume.name, owner]])),
  );
  const { spec: pod } = template;
  const withFiles = (container: V1Container): V1Container => mountInto(container, files);
  return {
    ...template,
    metadata: {
      ...template.metadata,
      annotations: {
        ...template.metadata?.annotations,
        ...(engine === undefined ? {} : { [ENGINE_ANNOTATION]: JSON.stringify(engine) }),
        ...(Object.keys(owners).length === 0
          ? {}
          : { [FILE_OWNERS_ANNOTATION]: JSON.stringify(owners) }),
      },
    },
    spec: withFields(pod, {
      containers: pod.containers.map(withFiles),
      ...(pod.initContainers === undefined
        ? {}
        : { initContainers: pod.initContainers.map(withFiles) }),
      volumes: [...(pod.volumes ?? []), ...claims, ...files.map(({ volume }) => volume)],
    }),
  };
}

/** Holds the content of a service's configs; another content, another name, so that no running instance ever sees a change. */
export function configMapName(serviceName: string, configs: readonly ServiceConfig[]): string {
  const digest = createHash('sha256');
  for (const { name, content, binaryContent } of configs)
    digest.update(JSON.stringify([name, content, binaryContent]));
  return `${serviceName}-${safeHash(digest.digest('hex'), 10)}`;
}

interface File {
  readonly volume: V1Volume;
  readonly mount: V1VolumeMount;
  /** All containers when undefined. */
  readonly container: string | undefined;
  readonly owner: { readonly uid?: number; readonly gid?: number } | undefined;
}

function fileOf(
  base: string,
  index: number,
  key: string,
  { path = `/${key}`, container, mode = DEFAULT_MODE, uid, gid }: FileMount,
  source: (mode: number) => Omit<V1Volume, 'name'>,
): File {
  const suffix = index === 0 ? '' : `-${index + 1}`;
  const full = `${base}${suffix}`;
  const name = full.length <= 63 ? full : `${base.slice(0, 50)}-${safeHash(full, 10)}`;
  return {
    volume: { name, ...source(mode) },
    mount: { name, mountPath: path, subPath: key, readOnly: true },
    container,
    owner:
      uid === undefined && gid === undefined
        ? undefined
        : { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) },
  };
}

function mountsOf({ mounts }: { readonly mounts?: readonly FileMount[] }): readonly FileMount[] {
  return mounts === undefined || mounts.length === 0 ? [{}] : mounts;
}

function mountInto(container: V1Container, files: readonly File[]): V1Container {
  const own = files.filter(({ container: only = container.name }) => only === container.name);
  if (own.length === 0) return container;
  const mounts = [...(container.volumeMounts ?? []), ...own.map(({ mount }) => mount)];
  return withFields(container, { volumeMounts: mounts });
}
