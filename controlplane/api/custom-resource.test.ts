import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadRules } from './cel/load.ts';
import { definitionsOf, validateCustomResourceDefinition } from './custom-resource.ts';
import { applyMergePatch } from './patch/merge-patch.ts';
import type { KubernetesObject } from './object.ts';

const crontabs = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'crontabs.stable.example.com' },
  spec: {
    group: 'stable.example.com',
    scope: 'Namespaced',
    names: { plural: 'crontabs', kind: 'CronTab', shortNames: ['ct'], categories: ['all'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: { replicas: { type: 'integer' }, host: { type: 'string' } },
              },
              status: { type: 'object', properties: { replicas: { type: 'integer' } } },
            },
          },
        },
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
        selectableFields: [{ jsonPath: '.spec.host' }],
        additionalPrinterColumns: [
          { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas' },
          { name: 'Host', type: 'integer', jsonPath: '.spec.host', priority: 1 },
          { name: 'Spec', type: 'string', jsonPath: '.spec' },
          { name: 'Born', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
      },
      {
        name: 'v1beta1',
        served: false,
        storage: false,
        schema: { openAPIV3Schema: { type: 'object' } },
      },
    ],
  },
};

const patched = (patch: object): KubernetesObject =>
  applyMergePatch(crontabs, patch) as KubernetesObject;

test('definitionsOf() makes a kind of each served version', () => {
  const definitions = definitionsOf(patched({}));
  assert.equal(definitions.length, 1);
  const [definition] = definitions;
  assert.ok(definition);
  const { schema, table, verbs, selectableFields, versions, ...rest } = definition;
  assert.equal(versions?.storage, 'stable.example.com/v1');
  assert.equal(versions.schemaOf('v1'), schema);
  assert.deepEqual(rest, {
    group: 'stable.example.com',
    version: 'v1',
    resource: 'crontabs',
    singular: 'crontab',
    kind: 'CronTab',
    listKind: 'CronTabList',
    namespaced: true,
    shortNames: ['ct'],
    categories: ['all'],
    subresources: [
      { name: 'status', verbs: ['get', 'patch', 'update'] },
      {
        name: 'scale',
        kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
        verbs: ['get', 'patch', 'update'],
      },
    ],
    scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
    custom: true,
    storageKey: 'stable.example.com/crontabs',
  });
  assert.equal(verbs.length, 8);
  assert.equal(schema.component, 'com.example.stable.v1.CronTab');
  assert.ok(schema.properties?.['metadata']?.schema.properties?.['ownerReferences']);
  const object = {
    apiVersion: 'stable.example.com/v1',
    kind: 'CronTab',
    metadata: { name: 'x', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { replicas: 3, host: 'h' },
  };
  assert.equal(selectableFields['spec.host']?.(object), 'h');
  const now = Date.parse('2026-01-01T00:03:20Z');
  assert.deepEqual(table.row(object, now), ['x', 3, null, '{"replicas":3,"host":"h"}', '3m20s']);
  assert.deepEqual(
    table.columns.map(({ name, priority }) => [name, priority]),
    [
      ['Name', 0],
      ['Replicas', 0],
      ['Host', 1],
      ['Spec', 0],
      ['Born', 0],
    ],
  );
});

test('definitionsOf() shows the age where no columns are declared', () => {
  const [version] = crontabs.spec.versions;
  const versions = [{ ...version, additionalPrinterColumns: [] }];
  const [definition] = definitionsOf(patched({ spec: { versions } }));
  assert.deepEqual(
    definition?.table.columns.map(({ name, type }) => [name, type]),
    [
      ['Name', 'string'],
      ['Age', 'date'],
    ],
  );
});

test('definitionsOf() says of a deprecated version what to use instead, unless the definition says it', () => {
  const [version] = crontabs.spec.versions;
  const made = (changes: object): readonly (string | undefined)[] => {
    const deprecated = { ...version, name: 'v1beta1', deprecated: true, ...changes };
    const versions = [{ ...version, name: 'v1' }, { ...version, name: 'v1alpha1' }, deprecated];
    return definitionsOf(patched({ spec: { versions } })).map(
      ({ deprecationWarning }) => deprecationWarning,
    );
  };
  assert.deepEqual(made({}), [
    undefined,
    undefined,
    'stable.example.com/v1beta1 CronTab is deprecated; use stable.example.com/v1 CronTab',
  ]);
  assert.deepEqual(made({ deprecationWarning: 'gone in May' }), [
    undefined,
    undefined,
    'gone in May',
  ]);
});

const [v1, v1beta1] = crontabs.spec.versions;
const withVersion = (fields: object): object => ({ spec: { versions: [{ ...v1, ...fields }] } });

const converting = (clientConfig: object, conversionReviewVersions = ['v1']): object => ({
  spec: {
    conversion: { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions } },
  },
});

const refused: readonly (readonly [patch: object, complaint: string])[] = [
  [
    { metadata: { name: 'x' } },
    'metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group',
  ],
  [
    { metadata: { name: 'crontabs.example' }, spec: { group: 'example' } },
    'spec.group: Invalid value: "example": should be a domain with at least one dot',
  ],
  [
    { spec: { scope: 'Galaxy' } },
    'spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"',
  ],
  [{ spec: { names: { kind: null } } }, 'spec.names.kind: Required value'],
  [
    { spec: { names: { listKind: 'CronTab' } } },
    'spec.names.listKind: Invalid value: "CronTab": kind and listKind may not be the same',
  ],
  [{ spec: { versions: [] } }, 'spec.versions: Required value: must have at least one version'],
  [
    { spec: { versions: [v1beta1] } },
    'spec.versions: Invalid value: ["v1beta1"]: must have exactly one version marked as storage version',
  ],
  [
    { spec: { versions: [v1, { ...v1, storage: false }] } },
    'spec.versions[1].name: Duplicate value: "v1"',
  ],
  [
    withVersion({ schema: {} }),
    'spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required',
  ],
  [
    withVersion({ schema: { openAPIV3Schema: { type: 'object', properties: { spec: {} } } } }),
    'spec.validation.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields',
  ],
  [
    {
      spec: {
        versions: [
          v1,
          {
            ...v1beta1,
            storage: false,
            schema: { openAPIV3Schema: { type: 'object', properties: { spec: {} } } },
          },
        ],
      },
    },
    'spec.versions[1].schema.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields',
  ],
  [
    withVersion({ additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: '.a' }] }),
    'spec.additionalPrinterColumns[0].type: Unsupported value: "text": supported values: "integer", "number", "string", "boolean", "date"',
  ],
  [
    withVersion({ additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: 'a' }] }),
    'spec.additionalPrinterColumns[0].jsonPath: Invalid value: "a": Cannot read the JSON path "a": it must start with "." or "[", and so must each of its parts',
  ],
  [
    withVersion({
      subresources: { scale: { specReplicasPath: '.status.x', statusReplicasPath: '.status.y' } },
    }),
    'spec.subresources.scale.specReplicasPath: Invalid value: ".status.x": should be a json path under .spec',
  ],
  [
    withVersion({
      additionalPrinterColumns: [{ name: 'A', type: 'string', format: 'foo', jsonPath: '.a' }],
    }),
    'spec.additionalPrinterColumns[0].format: Invalid value: "foo": must be one of byte,date,date-time,double,float,int32,int64,password',
  ],
  [
    withVersion({ deprecationWarning: 'soon' }),
    'spec.versions[0].deprecationWarning: Invalid value: "soon": can only be set for deprecated versions',
  ],
  [
    withVersion({ deprecated: true, deprecationWarning: 'a\nb' }),
    'spec.versions[0].deprecationWarning: Invalid value: "a\\nb": must only contain printable UTF-8 characters; non-printable character found at index 1',
  ],
  [
    withVersion({ selectableFields: [{ jsonPath: '.spec.missing' }] }),
    'spec.selectableFields[0].jsonPath: Invalid value: ".spec.missing": is an invalid path: does not refer to a valid field',
  ],
  [
    withVersion({ selectableFields: [{ jsonPath: '.spec' }] }),
    'spec.selectableFields[0].jsonPath: Invalid value: ".spec": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
  ],
  [
    {
      spec: { conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'] } } },
    },
    'spec.conversion.webhook.clientConfig: Required value: required when strategy is set to Webhook',
  ],
  [
    converting({ url: 'https://a/b', service: { name: 'a', namespace: 'b' } }),
    'spec.conversion.webhook.clientConfig: Required value: exactly one of url or service is required',
  ],
  [
    converting({ url: 'http://a/b' }),
    'spec.conversion.webhook.clientConfig.url: Invalid value: "http": \'https\' is the only allowed URL scheme; desired format: https://host[/path]',
  ],
  [
    converting({ url: 'https://user:secret@a/b' }),
    'spec.conversion.webhook.clientConfig.url: Forbidden: user information is not permitted in the URL',
  ],
  [
    converting({ service: { name: 'a', namespace: 'b', path: 'c', port: 443 } }),
    'spec.conversion.webhook.clientConfig.service.path: Invalid value: "c": must start with a \'/\'',
  ],
  [
    converting({ service: { name: 'a', namespace: 'b', port: 70_000 } }),
    'spec.conversion.webhook.clientConfig.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive',
  ],
  [
    converting({ url: 'https://a' }, ['v2']),
    'spec.conversion.webhook.conversionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1',
  ],
  [
    converting({ url: 'https://a' }, ['v1', 'v1']),
    'spec.conversion.webhook.conversionReviewVersions[1]: Invalid value: "v1": duplicate version',
  ],
  [
    { spec: { conversion: { strategy: 'None', webhook: { clientConfig: { url: 'https://a' } } } } },
    'spec.conversion.webhook.clientConfig: Forbidden: should not be set when strategy is not set to Webhook',
  ],
];

test('validateCustomResourceDefinition() accepts a good definition', () => {
  assert.deepEqual(validateCustomResourceDefinition(patched({})), []);
});

test('validateCustomResourceDefinition() names the field that is wrong', () => {
  for (const [patch, complaint] of refused) {
    const errors = validateCustomResourceDefinition(patched(patch));
    const texts = errors.map(({ field, message }) => `${field}: ${message}`);
    assert.deepEqual(texts, [complaint]);
  }
});

test('validateCustomResourceDefinition() asks what rules may cost when they are new, not of what an update keeps', async () => {
  await loadRules();
  const rules = [{ rule: 'self.all(one, self.all(other, one != other))' }];
  const list = { type: 'array', items: { type: 'string' }, 'x-kubernetes-validations': rules };
  const withList = (fields: object): KubernetesObject => {
    const openAPIV3Schema = { type: 'object', properties: { names: { ...list, ...fields } } };
    const fresh = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } };
    return patched({ spec: { versions: [fresh] } });
  };
  const dear = withList({});
  const [first] = validateCustomResourceDefinition(dear);
  assert.match(first?.message ?? '', /estimated rule cost exceeds budget/);
  assert.deepEqual(validateCustomResourceDefinition(dear, dear), []);
  const other = validateCustomResourceDefinition(withList({ minItems: 1 }), dear);
  assert.match(other[0]?.message ?? '', /estimated rule cost exceeds budget/);
});
