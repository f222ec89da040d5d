// The parameters that a binding gives its policy: objects of some kind, by name or by labels.
import { matchesLabels } from '../../api/selectors.ts';
import type { KubernetesObject } from '../../api/object.ts';
import type { Scheme } from '../../api/scheme.ts';
import { fromStored } from '../../api/stored-form.ts';
import type { Store, StoredObject } from '../../store/types.ts';
import type { ParamKind, PolicyBinding } from './policy.ts';

/** `problem`: the binding cannot be used, in upstream's words. A policy that takes no parameters gets one that is undefined. */
export type Params =
  { readonly objects: readonly (KubernetesObject | undefined)[] } | { readonly problem: string };

export function paramsOf(
  scheme: Scheme,
  store: Store,
  kind: ParamKind | undefined,
  { param }: PolicyBinding,
  requestNamespace: string,
): Params {
  if (kind === undefined || param === undefined) return { objects: [undefined] };
  const definition = scheme.byKind(kind.group, kind.version, kind.kind);
  if (definition === undefined) {
    const { group, version } = kind;
    const apiVersion = group === '' ? version : `${group}/${version}`;
    return {
      problem: `failed to find resource referenced by paramKind: '${apiVersion}, Kind=${kind.kind}'`,
    };
  }
  if (!definition.namespaced && param.namespace !== '') {
    return { problem: 'paramRef.namespace must not be provided for a cluster-scoped `paramKind`' };
  }
  const namespace = definition.namespaced ? param.namespace || requestNamespace : '';
  if (definition.namespaced && namespace === '') {
    return {
      problem:
        'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
    };
  }
  const { storageKey } = definition;
  const found: readonly StoredObject[] =
    param.name === ''
      ? store.list(storageKey, {
          namespace,
          matches: ({ labels }) => matchesLabels(param.selector, labels),
        }).items
      : [store.get(storageKey, namespace, param.name)].filter((one) => one !== undefined);
  if (found.length === 0 && !param.allowsNone) {
    return { problem: 'no params found for policy binding with `Deny` parameterNotFoundAction' };
  }
  return {
    objects: found.map(({ bytes }) =>
      fromStored(definition, JSON.parse(bytes.toString()) as KubernetesObject),
    ),
  };
}
