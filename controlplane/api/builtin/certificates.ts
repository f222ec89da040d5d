// Kinds of certificates.k8s.io/v1: requests for certificates, their approval and what became of them.
import { listAt, numberAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import { ageCell, ageColumn, column, nameColumn, nameOf } from '../table.ts';
import { humanDuration } from '../timestamps.ts';
import type { KindRow } from './define.ts';
import { statusSubresource } from './define.ts';

/** `Approved,Issued`, as people follow it. */
function conditionOf(object: KubernetesObject): string {
  const types = listAt(object, 'status', 'conditions').map((one) => stringAt(one, 'type'));
  const words = ['Denied', 'Approved', 'Failed'].filter((type) => types.includes(type));
  if (stringAt(object, 'status', 'certificate') !== '') words.push('Issued');
  return words.length === 0 ? 'Pending' : words.join(',');
}

function requestedDuration(object: KubernetesObject): string {
  const seconds = numberAt(object, 'spec', 'expirationSeconds');
  return seconds === 0 ? '<none>' : humanDuration(seconds * 1000);
}

export const certificatesKinds: readonly KindRow[] = [
  {
    group: 'certificates.k8s.io',
    version: 'v1',
    kind: 'CertificateSigningRequest',
    resource: 'certificatesigningrequests',
    namespaced: false,
    shortNames: ['csr'],
    subresources: [statusSubresource, { ...statusSubresource, name: 'approval' }],
    selectableFields: { 'spec.signerName': (object) => stringAt(object, 'spec', 'signerName') },
    table: {
      columns: [
        nameColumn,
        ageColumn,
        column('SignerName'),
        column('Requestor'),
        column('RequestedDuration'),
        column('Condition'),
      ],
      row: (object, now) => [
        nameOf(object),
        ageCell(object, now),
        stringAt(object, 'spec', 'signerName') || '<none>',
        stringAt(object, 'spec', 'username'),
        requestedDuration(object),
        conditionOf(object),
      ],
    },
  },
];
