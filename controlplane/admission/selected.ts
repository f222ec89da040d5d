// Whether the selectors of a webhook or policy choose a request: by the labels of its namespace, and of the object itself.
import { isObject } from '../api/fields.ts';
import { notFound } from '../api/errors.ts';
import { labelSelectorOf, matchesLabels } from '../api/selectors.ts';
import type { LabelSelector } from '../api/selectors.ts';
import type { AdmissionRequest } from '../registry/admission.ts';
import type { Store } from '../store/types.ts';

const NAMESPACES = 'core/namespaces';

export interface Selectors {
  /** Empty: all. */
  readonly namespaces: LabelSelector;
  readonly objects: LabelSelector;
}

/** @param source what has `namespaceSelector` and `objectSelector` */
export function readSelectors(source: {
  readonly namespaceSelector?: unknown;
  readonly objectSelector?: unknown;
}): Selectors {
  const of = (value: unknown): LabelSelector => (isObject(value) ? labelSelectorOf(value) : []);
  return { namespaces: of(source.namespaceSelector), objects: of(source.objectSelector) };
}

/** @throws ApiError NotFound when the namespace that is to be looked at does not exist */
export function isSelected(
  { namespaces, objects }: Selectors,
  request: AdmissionRequest,
  store: Store,
): boolean {
  const isOfObjects =
    objects.length === 0 ||
    [request.object, request.old].some(
      (object) => object !== undefined && matchesLabels(objects, object.metadata?.labels ?? {}),
    );
  if (!isOfObjects) return false;
  if (namespaces.length === 0 || request.namespace === '') return true;
  return matchesLabels(namespaces, namespaceLabels(request, store));
}

/** Of a Namespace that is made or changed: those that it is going to have. */
function namespaceLabels(
  { definition, subresource, operation, namespace, object }: AdmissionRequest,
  store: Store,
): Readonly<Record<string, string>> {
  const isNamespace = definition.group === '' && definition.resource === 'namespaces';
  const isWritten = operation === 'CREATE' || operation === 'UPDATE';
  if (isNamespace && subresource === '' && isWritten) return object?.metadata.labels ?? {};
  const stored = store.get(NAMESPACES, '', namespace);
  if (stored === undefined) {
    throw notFound({ group: '', resource: 'namespaces', kind: 'Namespace' }, namespace);
  }
  return stored.labels;
}
