// The source of deploy/crds/windlass.dev_infraproviders.yaml.
import { count, duration, flag, text, textMap } from './fields.ts';
import type { OpenAPISchema } from './open-api-schema.ts';
import { AGE, conditions, ownKind } from './own-kind.ts';

/** As many as the controller writes. */
const MOST_LISTED = 500;

const spec: OpenAPISchema = {
  type: 'object',
  description: 'Infrastructure that machines are taken from.',
  required: ['type'],
  'x-kubernetes-validations': [
    {
      rule: "!(self.type in ['Hetzner', 'Omni']) || has(self.credentialsSecretRef)",
      message: 'spec.credentialsSecretRef: types Hetzner and Omni need one',
    },
    {
      rule: "self.type != 'Omni' || has(self.endpoint)",
      message: 'spec.endpoint: type Omni needs the URL of the Omni instance',
    },
    {
      rule: "self.type != 'Local' || (has(self.settings) && 'stateDirectory' in self.settings)",
      message:
        'spec.settings.stateDirectory: type Local needs the folder where nodes keep their state',
    },
  ],
  properties: {
    type: {
      type: 'string',
      enum: ['Docker', 'Local', 'Hetzner', 'Omni', 'SSH', 'Sim'],
      description: 'What kind of infrastructure it is.',
      'x-kubernetes-validations': [
        {
          rule: 'self == oldSelf',
          message: 'spec.type cannot be changed; make another InfraProvider',
        },
      ],
    },
    credentialsSecretRef: {
      type: 'object',
      description: 'Where the credentials are, in the same namespace.',
      required: ['name'],
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 253, description: 'Name of the Secret.' },
        key: {
          type: 'string',
          minLength: 1,
          maxLength: 253,
          default: 'token',
          description: 'Key in its data.',
        },
      },
    },
    endpoint: {
      type: 'string',
      maxLength: 2048,
      description: 'URL of its API, or a DOCKER_HOST. By default where it usually is.',
    },
    settings: {
      ...textMap('Settings of that type; docs/infra-providers.md lists them.'),
      maxProperties: 64,
    },
    labelScheme: {
      type: 'string',
      maxLength: 63,
      default: 'windlass',
      description: 'By which labels nodes are known: windlass, kind, k3d or talos.',
    },
    adoptedClusters: {
      type: 'array',
      maxItems: 256,
      items: { type: 'string', minLength: 1, maxLength: 253 },
      'x-kubernetes-list-type': 'set',
      description: 'Exact names of clusters of others that may be started, stopped and deleted.',
    },
    limits: {
      type: 'object',
      description: 'How much is done at a time.',
      properties: {
        parallel: {
          type: 'integer',
          format: 'int32',
          minimum: 1,
          maximum: 1000,
          default: 10,
          description: 'Nodes worked on at the same time.',
        },
        nodeTimeout: duration('For each node.', '5m'),
      },
    },
  },
};

const many = (description: string, items: OpenAPISchema): OpenAPISchema => ({
  type: 'array',
  description,
  maxItems: MOST_LISTED,
  'x-kubernetes-list-type': 'atomic',
  items,
});

const status: OpenAPISchema = {
  type: 'object',
  description: 'What it answered. Written by the infra-provider controller.',
  properties: {
    observedGeneration: {
      type: 'integer',
      format: 'int64',
      description: 'Generation this is about.',
    },
    conditions: conditions('Available, CredentialsValid and Ready.'),
    capabilities: many('What can be asked of it.', { type: 'string' }),
    clusters: many('Clusters that it has nodes of.', {
      type: 'object',
      required: ['name', 'owned', 'phase', 'nodesTotal', 'nodesReady'],
      properties: {
        name: text('As the labels say.'),
        uid: text('UID of the Cluster that made it.'),
        owned: flag('Whether we may act on it.'),
        phase: text('The ready word of the provider, degraded or stopped.'),
        nodesTotal: count('Nodes there are.'),
        nodesReady: count('Nodes that are ready.'),
      },
    }),
    orphans: many('Nodes with labels of ours whose Cluster is not there; they are left alone.', {
      type: 'object',
      required: ['name', 'cluster', 'clusterUID'],
      properties: {
        name: text('Of the node.'),
        cluster: text('Name of its Cluster, by label.'),
        clusterUID: text('UID of its Cluster, by label.'),
      },
    }),
  },
};

export const infraProviderDefinition = ownKind({
  kind: 'InfraProvider',
  plural: 'infraproviders',
  shortName: 'infra',
  category: 'windlass',
  columns: [
    { name: 'Type', type: 'string', jsonPath: '.spec.type' },
    {
      name: 'Available',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Available")].status',
    },
    {
      name: 'Credentials',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="CredentialsValid")].status',
    },
    AGE,
    {
      name: 'Message',
      type: 'string',
      priority: 1,
      jsonPath: '.status.conditions[?(@.type=="Ready")].message',
    },
  ],
  description: 'Infrastructure that machines of clusters are made on.',
  spec,
  status,
});
