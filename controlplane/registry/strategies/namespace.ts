// Namespace: held by spec.finalizers (`kubernetes`, taken away by the namespace controller when all content is gone).
import { forbidden } from '#controlplane/api/errors.ts';
import { listAt, objectAt } from '#controlplane/api/fields.ts';
import { checkDNSLabel } from '#controlplane/api/names.ts';
import type { Strategy } from '../strategy.ts';

const PROTECTED = new Set(['default', 'kube-system', 'kube-public']);
const NAME_LABEL = 'kubernetes.io/metadata.name';

export const namespaceStrategy: Strategy = {
  checkName: checkDNSLabel,
  prepareForCreate(object) {
    const finalizers = listAt(object, 'spec', 'finalizers');
    object['spec'] = {
      finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'],
    };
    object['status'] = { phase: 'Active' };
  },
  prepareForUpdate(object, old, subresource) {
    // Finalizers of the spec change through /finalize only.
    if (subresource === '') object['spec'] = old['spec'];
  },
  mergeSubresource: (object, old) => ({
    ...old,
    metadata: { ...old.metadata },
    spec: { ...objectAt(old, 'spec'), finalizers: listAt(object, 'spec', 'finalizers') },
  }),
  applyDefaults({ metadata }) {
    metadata.labels = { ...metadata.labels, [NAME_LABEL]: metadata.name ?? '' };
  },
  checkDelete({ metadata }) {
    const name = metadata.name ?? '';
    if (!PROTECTED.has(name)) return;
    throw forbidden(
      { group: '', resource: 'namespaces', kind: 'Namespace' },
      name,
      'this namespace may not be deleted',
    );
  },
  prepareForDelete(object) {
    object['status'] = { ...objectAt(object, 'status'), phase: 'Terminating' };
  },
  // Who takes the finalizers away vouches that nothing is left: what was created before the deletion is seen by whoever sees the deletion.
  isHeld: (object) => listAt(object, 'spec', 'finalizers').length > 0,
};
