// A server to be fuzzed: ours, with a namespace and a kind of its own that has all that a schema can have.
import type { TestContext } from 'node:test';
import { Agent } from 'undici';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { definitionsOf } from '#controlplane/api/custom-resource.ts';
import type { Schema } from '#controlplane/api/schema/schema.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { RawApi } from '../support/raw-api.ts';
import { servedBy } from './served.ts';
import type { Served } from './served.ts';

export interface FuzzWorld {
  readonly url: URL;
  /** With an administrator's certificate. */
  readonly agent: Agent;
  readonly served: readonly Served[];
}

const text = { type: 'string' };
const schema = {
  type: 'object',
  'x-kubernetes-validations': [
    { rule: '!has(self.spec) || !has(self.spec.count) || self.spec.count < 1000' },
  ],
  properties: {
    spec: {
      type: 'object',
      properties: {
        count: { type: 'integer', default: 3, minimum: -10 },
        ratio: { type: 'number', maximum: 10, exclusiveMaximum: true },
        mode: { type: 'string', enum: ['a', 'b'], default: 'a' },
        port: { 'x-kubernetes-int-or-string': true },
        tags: { type: 'array', items: text, maxItems: 5, 'x-kubernetes-list-type': 'set' },
        parts: {
          type: 'array',
          maxItems: 5,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: { ...text, maxLength: 20 }, size: { type: 'integer', default: 1 } },
          },
          'x-kubernetes-validations': [
            { rule: 'self.all(p, p.size >= oldSelf.size())', optionalOldSelf: false },
          ],
        },
        names: { type: 'object', additionalProperties: { ...text, pattern: '^[a-z]*$' } },
        any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        template: {
          type: 'object',
          'x-kubernetes-embedded-resource': true,
          'x-kubernetes-preserve-unknown-fields': true,
        },
        day: { ...text, format: 'date' },
        maybe: { ...text, nullable: true },
        replicas: { type: 'integer' },
      },
    },
    status: { type: 'object', properties: { replicas: { type: 'integer' }, selector: text } },
  },
};

const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'oddities.fuzz.example.com' },
  spec: {
    group: 'fuzz.example.com',
    scope: 'Namespaced',
    names: { plural: 'oddities', singular: 'oddity', kind: 'Oddity', listKind: 'OddityList' },
    versions: ['v1', 'v1beta1'].map((name) => ({
      name,
      served: true,
      storage: name === 'v1',
      schema: { openAPIV3Schema: schema },
      subresources: {
        status: {},
        scale: {
          specReplicasPath: '.spec.replicas',
          statusReplicasPath: '.status.replicas',
          labelSelectorPath: '.status.selector',
        },
      },
      selectableFields: [{ jsonPath: '.spec.mode' }],
      additionalPrinterColumns: [
        { name: 'Parts', type: 'string', jsonPath: '.spec.parts[*].name' },
      ],
    })),
  },
} as const;

/** Ended after the test. */
export async function openFuzzWorld(t: Pick<TestContext, 'after'>): Promise<FuzzWorld> {
  const plane = await TestControlPlane.start(t);
  const api = await RawApi.open(plane.kubeconfig);
  t.after(() => api.close());
  const make = async (path: string, body: object): Promise<void> => {
    const made = await api.call({ method: 'POST', path, body });
    if (made.code !== 201) throw new Error(JSON.stringify(made.body));
  };
  await make('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'fuzz' },
  });
  await make('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', DEFINITION);
  await eventually('the kind is served', async () => {
    const { code } = await api.call({ method: 'GET', path: '/apis/fuzz.example.com/v1/oddities' });
    if (code !== 200) throw new Error('not yet');
  });
  const known = new Map<string, Schema>();
  for (const definition of definitionsOf(DEFINITION)) {
    known.set(`${definition.group}/${definition.version} ${definition.kind}`, definition.schema);
  }
  const connection = await loadConnection(plane.kubeconfig);
  const agent = new Agent({ connect: connection.tls });
  t.after(() => agent.close());
  return { url: connection.server, agent, served: await servedBy(api, known) };
}
