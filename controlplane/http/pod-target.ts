// Which container of which Pod on which node a request for logs or a stream is about. The words of the refusals are upstream's.
import { decodeStored } from '../registry/objects.ts';
import { badRequest, notFound } from '../api/errors.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';

import type { Services } from './services.ts';

interface PodView extends KubernetesObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly containers?: readonly { readonly name: string }[];
    readonly initContainers?: readonly { readonly name: string }[];
  };
}

export interface PodTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  /** '' when none was looked for. */
  readonly container: string;
  /** '' while no node has been chosen. */
  readonly node: string;
}

/**
 * @param container as asked for, '' for the only one; undefined: none is needed
 * @throws ApiError NotFound, or BadRequest naming the choices
 */
export function podTarget(
  services: Pick<Services, 'store'>,
  definition: ResourceDefinition,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  container: string | undefined,
): PodTarget {
  const stored = services.store.get(definition.storageKey, namespace, name);
  if (stored === undefined) throw notFound(definition, name);
  const pod = decodeStored(stored, definition) as PodView;
  return {
    namespace,
    pod: name,
    uid: stored.uid,
    container: container === undefined ? '' : containerOf(pod, container),
    node: pod.spec?.nodeName ?? '',
  };
}

/** @throws ApiError BadRequest while no node has been chosen */
export function hasNode(target: PodTarget): PodTarget {
  if (target.node === '') throw badRequest(`pod ${target.pod} does not have a host assigned`);
  return target;
}

/** The container asked for, or the only one. @throws ApiError BadRequest naming the choices */
function containerOf(pod: PodView, asked: string): string {
  const names = (pod.spec?.containers ?? []).map(({ name }) => name);
  const initNames = (pod.spec?.initContainers ?? []).map(({ name }) => name);
  const name = pod.metadata.name ?? '';
  if (asked !== '') {
    if ([...names, ...initNames].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const annotated = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (annotated !== undefined && names.includes(annotated)) return annotated;
  const [only] = names;
  if (names.length === 1 && only !== undefined) return only;
  const init =
    initNames.length === 0 ? '' : ` or one of the init containers: [${initNames.join(' ')}]`;
  throw badRequest(
    `a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]${init}`,
  );
}
