// A Pod, or the template of one, as the checks of pod security look at it.
import { isObject, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { JSONObject } from '#controlplane/api/fields.ts';

export interface SecurityContainer {
  readonly name: string;
  readonly fields: JSONObject;
  /** Empty when there is none. */
  readonly context: JSONObject;
}

export interface SecurityPod {
  readonly spec: JSONObject;
  readonly annotations: JSONObject;
  readonly context: JSONObject;
  /** Init containers first, then the others, then ephemeral ones. */
  readonly containers: readonly SecurityContainer[];
}

/** @param source what has `metadata` and `spec` */
export function securityPodOf(source: unknown): SecurityPod {
  const spec = objectAt(source, 'spec');
  const lists = ['initContainers', 'containers', 'ephemeralContainers'];
  return {
    spec,
    annotations: objectAt(source, 'metadata', 'annotations'),
    context: objectAt(spec, 'securityContext'),
    containers: lists
      .flatMap((list) => listAt(spec, list))
      .filter(isObject)
      .map((fields) => ({
        name: stringAt(fields, 'name'),
        fields,
        context: objectAt(fields, 'securityContext'),
      })),
  };
}

/** `container "a"`, `containers "a", "b"`. */
export function containersText(containers: readonly { readonly name: string }[]): string {
  return `${plural(containers.length, 'container')} ${quoted(containers.map(({ name }) => name))}`;
}

/** Who set something that must not be: `pod and container "a"`; '' for nobody. */
export function settersText(isPod: boolean, containers: readonly SecurityContainer[]): string {
  return [
    ...(isPod ? ['pod'] : []),
    ...(containers.length > 0 ? [containersText(containers)] : []),
  ].join(' and ');
}

export function plural(count: number, word: string): string {
  return count === 1 ? word : `${word}s`;
}

export function quoted(texts: Iterable<string>): string {
  return [...texts].map((text) => `"${text}"`).join(', ');
}

/** Each once, in order. */
export function sorted(texts: Iterable<string>): string[] {
  return [...new Set(texts)].toSorted((a, b) => (a < b ? -1 : 1));
}
