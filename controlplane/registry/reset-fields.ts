// Which fields a kind of write cannot set: they are put back, so nobody comes to own them by it. As upstream's strategies say.
import { setOf } from '#controlplane/api/managed-fields/field-set.ts';
import type { FieldSet } from '#controlplane/api/managed-fields/field-set.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { hasStatus } from './strategy-table.ts';

const NONE = setOf();
const SPEC = setOf(['f:spec']);
const STATUS = setOf(['f:status']);
const SPEC_AND_METADATA = setOf(['f:spec'], ['f:metadata']);

/** `<storage key>/<subresource>` → what differs from the usual. */
const special: Readonly<Record<string, FieldSet>> = {
  'apiextensions.k8s.io/customresourcedefinitions/status': SPEC_AND_METADATA,
  'admissionregistration.k8s.io/validatingadmissionpolicies/status': SPEC_AND_METADATA,
  'apps/deployments/status': setOf(['f:spec'], ['f:metadata', 'f:labels']),
  'certificates.k8s.io/certificatesigningrequests/': setOf(['f:spec'], ['f:status']),
  'certificates.k8s.io/certificatesigningrequests/approval': setOf(
    ['f:spec'],
    ['f:status', 'f:certificate'],
  ),
  'certificates.k8s.io/certificatesigningrequests/status': setOf(
    ['f:spec'],
    ['f:status', 'f:conditions'],
  ),
  'core/namespaces/finalize': STATUS,
  'core/pods/status': setOf(
    ['f:spec'],
    ['f:metadata', 'f:deletionTimestamp'],
    ['f:metadata', 'f:ownerReferences'],
  ),
  'flowcontrol.apiserver.k8s.io/flowschemas/status': SPEC_AND_METADATA,
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations/status': SPEC_AND_METADATA,
  'storage.k8s.io/volumeattachments/status': SPEC_AND_METADATA,
};

export function resetFields(definition: ResourceDefinition, subresource: string): FieldSet {
  const known = special[`${definition.storageKey}/${subresource}`];
  if (known !== undefined && !definition.custom) return known;
  if (subresource === 'status') return definition.custom ? SPEC_AND_METADATA : SPEC;
  return subresource === '' && hasStatus(definition) ? STATUS : NONE;
}
