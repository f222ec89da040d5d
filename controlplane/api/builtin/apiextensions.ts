// CustomResourceDefinition itself; the kinds it defines are made by custom-resource.ts.
import { column, nameColumn, nameOf } from '../table.ts';
import type { KindRow } from './define.ts';
import { statusSubresource } from './define.ts';

export const apiextensionsKinds: readonly KindRow[] = [
  {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    kind: 'CustomResourceDefinition',
    resource: 'customresourcedefinitions',
    namespaced: false,
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    subresources: [statusSubresource],
    table: {
      columns: [nameColumn, column('Created At', { type: 'date' })],
      row: (object) => [nameOf(object), object.metadata.creationTimestamp ?? ''],
    },
  },
];
