// The metadata of every object as a schema, for custom resources, which meet the built-in types' corpus nowhere else.
// Facts of k8s.io/apimachinery meta/v1 ObjectMeta; the values themselves are checked by the registry.
import type { Property, Schema } from './schema.ts';

const text: Property = { schema: { type: 'string' } };
const time: Property = { schema: { type: 'string', format: 'date-time' } };
const int64: Property = { schema: { type: 'integer', format: 'int64' } };
const flag: Property = { schema: { type: 'boolean' } };
const texts: Property = {
  schema: { type: 'object', additionalProperties: { type: 'string' } },
};

const ownerReference: Schema = {
  type: 'object',
  component: 'io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference',
  required: ['apiVersion', 'kind', 'name', 'uid'],
  mapType: 'atomic',
  properties: {
    apiVersion: text,
    blockOwnerDeletion: flag,
    controller: flag,
    kind: text,
    name: text,
    uid: text,
  },
};

const managedFieldsEntry: Schema = {
  type: 'object',
  component: 'io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry',
  properties: {
    apiVersion: text,
    fieldsType: text,
    fieldsV1: {
      schema: {
        type: 'object',
        component: 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1',
        preserveUnknownFields: true,
      },
    },
    manager: text,
    operation: text,
    subresource: text,
    time,
  },
};

export const objectMetaSchema: Schema = {
  type: 'object',
  component: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta',
  properties: {
    annotations: { ...texts, omitZero: true },
    creationTimestamp: time,
    deletionGracePeriodSeconds: int64,
    deletionTimestamp: time,
    finalizers: {
      schema: { type: 'array', items: { type: 'string' }, listType: 'set' },
      patchStrategy: 'merge',
      omitZero: true,
    },
    generateName: text,
    generation: int64,
    labels: { ...texts, omitZero: true },
    managedFields: {
      schema: { type: 'array', items: managedFieldsEntry, listType: 'atomic' },
    },
    name: text,
    namespace: text,
    ownerReferences: {
      schema: { type: 'array', items: ownerReference, listType: 'map', listMapKeys: ['uid'] },
      patchStrategy: 'merge',
      patchMergeKey: 'uid',
      omitZero: true,
    },
    resourceVersion: text,
    selfLink: text,
    uid: text,
  },
};
