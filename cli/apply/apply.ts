// Applies one manifest through the API as `kubectl apply` does: creates it, or patches what is there by a three-way merge with the
// annotation of the last apply, which is kubectl's own, so that both can take turns.
import type { ApiObject, ApiResource, Client } from '#controllers/machinery/client-types.ts';
import { isAlreadyExists, isNotFound, RequestError } from '#controllers/machinery/request-error.ts';
import { jsonFields } from '#platform/json-fields.ts';
import type { Manifest, ManifestObject } from './manifest.ts';
import { ManifestError } from './manifest.ts';
import { overlaid, threeWayMerge } from './merge.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export interface Applied {
  readonly outcome: 'created' | 'configured' | 'unchanged';
  /** `service.windlass.dev/hello`, as kubectl prints it. */
  readonly name: string;
  readonly resource: ApiResource;
  readonly object: ApiObject;
  /** What was there before; undefined when it was created. */
  readonly before: ApiObject | undefined;
}

export interface ApplyOptions {
  /** Of namespaced objects that name none. */
  readonly namespace?: string;
  /** Written too, and not remembered as applied: the next apply leaves it alone. */
  readonly overlay?: Readonly<Record<string, unknown>>;
}

/** @throws ManifestError with the file, the line and the server's words when it is refused */
export async function applyManifest(
  client: Client,
  manifest: Manifest,
  signal: AbortSignal,
  { namespace: usual = 'default', overlay = {} }: ApplyOptions = {},
): Promise<Applied> {
  try {
    const resource = await resourceOf(client, manifest, signal);
    const namespace = resource.namespaced ? (manifest.object.metadata.namespace ?? usual) : '';
    const name = `${resource.kind.toLowerCase()}${resource.group === '' ? '' : `.${resource.group}`}/${manifest.object.metadata.name}`;
    const desired = overlaid(annotate(manifest.object, namespace), overlay);
    try {
      const object = await client.create(resource, namespace, desired, signal);
      return { outcome: 'created', name, resource, object, before: undefined };
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const live = await client.get(resource, namespace, desired.metadata.name, signal);
    const patch = threeWayMerge(lastAppliedOf(live), { ...live }, desired);
    if (patch === undefined)
      return { outcome: 'unchanged', name, resource, object: live, before: live };
    const object = await client.patch(
      resource,
      namespace,
      desired.metadata.name,
      '',
      'merge',
      patch,
      signal,
    );
    return { outcome: 'configured', name, resource, object, before: live };
  } catch (error) {
    if (error instanceof RequestError) throw refused(manifest, error);
    throw error;
  }
}

/** The object with the annotation that remembers it. */
export function annotate(object: ManifestObject, namespace: string): ManifestObject {
  const { [LAST_APPLIED]: _, ...annotations } = object.metadata.annotations ?? {};
  const metadata = { ...object.metadata, ...(namespace === '' ? {} : { namespace }) };
  const applied = { ...object, metadata: { ...metadata, annotations } };
  return {
    ...object,
    metadata: {
      ...metadata,
      annotations: { ...annotations, [LAST_APPLIED]: `${JSON.stringify(applied)}\n` },
    },
  };
}

/** What was applied last, as far as that is known. */
export function lastAppliedOf(
  live: Pick<ApiObject, 'metadata'>,
): Readonly<Record<string, unknown>> {
  const text = live.metadata.annotations?.[LAST_APPLIED];
  // Where somebody wrote nonsense into the annotation, nothing is known to be ours to remove.
  return jsonFields(text ?? '') ?? {};
}

interface ResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
  }[];
}

async function resourceOf(
  client: Client,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<ApiResource> {
  const { apiVersion, kind } = manifest.object;
  const [first = '', second] = apiVersion.split('/');
  const group = second === undefined ? '' : first;
  const version = second ?? first;
  const unknown = new ManifestError(
    { ...manifest, line: manifest.lineOf('kind') },
    `the server has no kind ${kind} in ${apiVersion}; kubectl api-resources lists what it has`,
  );
  if (!/^[a-z0-9.-]*$/.test(group) || !/^[a-z0-9]+$/.test(version)) throw unknown;
  try {
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const list = (await client.getPath(path, signal)) as ResourceList;
    const row = list.resources?.find((entry) => entry.kind === kind && !entry.name.includes('/'));
    if (row === undefined) throw unknown;
    return { group, version, resource: row.name, kind, namespaced: row.namespaced };
  } catch (error) {
    throw isNotFound(error) ? unknown : error;
  }
}

function refused(manifest: Manifest, error: RequestError): ManifestError {
  const field =
    error.details?.causes?.find((cause) => cause.field !== undefined)?.field ??
    /unknown field "([^"]+)"/.exec(error.message)?.[1];
  const line = field === undefined ? manifest.line : manifest.lineOf(field);
  return new ManifestError({ ...manifest, line }, error.message);
}
