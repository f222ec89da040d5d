// Kinds of resource.k8s.io/v1: devices, and who wants some.
import { fieldAt, listAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import { column, namedTable } from '../table.ts';
import { ageOf } from '../timestamps.ts';
import type { KindRow } from './define.ts';
import { statusSubresource } from './define.ts';

const resource = { group: 'resource.k8s.io', version: 'v1' } as const;

function claimState(object: KubernetesObject): string {
  const isDeleted = object.metadata.deletionTimestamp !== undefined;
  const states = isDeleted ? ['deleted'] : [];
  if (fieldAt(object, 'status', 'allocation') === undefined) {
    if (!isDeleted) states.push('pending');
    return states.join(',');
  }
  states.push('allocated');
  if (listAt(object, 'status', 'reservedFor').length > 0) states.push('reserved');
  return states.join(',');
}

export const resourceKinds: readonly KindRow[] = [
  { ...resource, kind: 'DeviceClass', resource: 'deviceclasses', namespaced: false },
  {
    ...resource,
    kind: 'DeviceTaintRule',
    resource: 'devicetaintrules',
    namespaced: false,
    subresources: [statusSubresource],
    table: namedTable(
      [column('Key'), column('Value'), column('Effect'), column('TimeAdded')],
      (object, now) => {
        const added = stringAt(object, 'spec', 'taint', 'timeAdded');
        return [
          stringAt(object, 'spec', 'taint', 'key'),
          stringAt(object, 'spec', 'taint', 'value'),
          stringAt(object, 'spec', 'taint', 'effect'),
          added === '' ? '' : ageOf(added, now),
        ];
      },
    ),
  },
  {
    ...resource,
    kind: 'ResourceClaim',
    resource: 'resourceclaims',
    namespaced: true,
    subresources: [statusSubresource],
    table: namedTable([column('State')], (object) => [claimState(object)]),
  },
  {
    ...resource,
    kind: 'ResourceClaimTemplate',
    resource: 'resourceclaimtemplates',
    namespaced: true,
  },
  {
    ...resource,
    kind: 'ResourceSlice',
    resource: 'resourceslices',
    namespaced: false,
    selectableFields: {
      'spec.driver': (object) => stringAt(object, 'spec', 'driver'),
      'spec.nodeName': (object) => stringAt(object, 'spec', 'nodeName'),
    },
    table: namedTable([column('Node'), column('Driver'), column('Pool')], (object) => [
      stringAt(object, 'spec', 'nodeName'),
      stringAt(object, 'spec', 'driver'),
      stringAt(object, 'spec', 'pool', 'name'),
    ]),
  },
];
