// Node-local volumes whose claim names a driver: the engine keeps them, under a name that follows from the claim. A volume that is
// there is used as it is or refused, never changed: what is in it is somebody's.
import type { ApiObject } from '../machinery/client-types.ts';
import { isForbidden, isNotFound } from '../machinery/request-error.ts';
import { PERSISTENT_VOLUME_CLAIMS } from '../machinery/resources.ts';
import { StartError } from '../runtimes/runtime.ts';
import type { EngineVolume } from '../runtimes/runtime.ts';
import type { AgentContext } from './context.ts';
import type { Pod } from './pod.ts';

export const VOLUME_DRIVER_ANNOTATION = 'windlass.dev/volume-driver';

/** Name of the engine's volume, for each volume of the Pod that it keeps. @throws StartError FailedMount naming the volume */
export async function prepareEngineVolumes(
  { client, runtime }: Pick<AgentContext, 'client' | 'runtime'>,
  pod: Pod,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  const { namespace = 'default' } = pod.metadata;
  for (const { name, persistentVolumeClaim } of pod.spec.volumes ?? []) {
    if (persistentVolumeClaim === undefined) continue;
    const claim = persistentVolumeClaim.claimName;
    const failed = (why: string, cause?: unknown): StartError =>
      new StartError('FailedMount', `Cannot prepare volume ${name}: ${why}`, cause);
    let object: ApiObject;
    try {
      object = await client.get(PERSISTENT_VOLUME_CLAIMS, namespace, claim, signal);
    } catch (error) {
      // Nobody has made it: there is no driver to ask for, and the folder of its name will do.
      if (isNotFound(error)) continue;
      if (!isForbidden(error)) throw error;
      // A folder in its place would take the data that belongs into the volume.
      throw failed(`the server does not show its claim ${claim} to this node yet`, error);
    }
    const text = object.metadata.annotations?.[VOLUME_DRIVER_ANNOTATION];
    if (text === undefined || text.trim() === '') continue;
    const volume = volumeOf(text, namespace, object, failed);
    if (runtime.ensureVolume === undefined) {
      throw failed(
        `claim ${claim} asks for the volume driver ${volume.driver}, and the ${runtime.name} runtime has none: leave the driver out, or run the node with Docker`,
      );
    }
    try {
      await runtime.ensureVolume(volume);
    } catch (error) {
      throw failed((error as Error).message, error);
    }
    names.set(name, volume.name);
  }
  return names;
}

/** The Pod without those volumes: the rest is files and folders of this machine. */
export function withoutVolumes(pod: Pod, names: ReadonlyMap<string, string>): Pod {
  if (names.size === 0) return pod;
  const volumes = (pod.spec.volumes ?? []).filter(({ name }) => !names.has(name));
  // client-node's types are classes, what comes from the wire is plain data.
  const spec: object = pod.spec;
  return { ...pod, spec: { ...spec, containers: pod.spec.containers, volumes } };
}

function volumeOf(
  text: string,
  namespace: string,
  { metadata }: ApiObject,
  failed: (why: string) => StartError,
): EngineVolume {
  const wrong = (why: string): StartError =>
    failed(`annotation ${VOLUME_DRIVER_ANNOTATION} of claim ${metadata.name} ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message would quote options, which may be credentials of a file server.
    throw wrong('is not valid JSON');
  }
  if (!isMap(value)) throw wrong('must be an object with name and options');
  const { name, options = {} } = value;
  if (typeof name !== 'string' || name === '') throw wrong('must have a name, such as "local"');
  if (!isMap(options) || !Object.values(options).every((one) => typeof one === 'string'))
    throw wrong('must have options that are texts');
  return {
    name: `windlass_${namespace}_${metadata.name}`,
    driver: name,
    options: options as Readonly<Record<string, string>>,
    labels: {
      ...metadata.labels,
      'windlass.dev/claim-namespace': namespace,
      'windlass.dev/claim': metadata.name,
    },
  };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
