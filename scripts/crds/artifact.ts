// The source of deploy/crds/windlass.dev_artifacts.yaml.
import { artifactSpec } from './artifact-spec.ts';
import { text } from './fields.ts';
import type { OpenAPISchema } from './open-api-schema.ts';

const bytes = (description: string): OpenAPISchema => ({
  type: 'integer',
  format: 'int64',
  description,
});

const condition = (type: string): string => `.status.conditions[?(@.type=="${type}")]`;

const status: OpenAPISchema = {
  type: 'object',
  description: 'What is known of it and where it is. Written by the artifact controller.',
  properties: {
    observedGeneration: bytes('Generation of the spec that this status is about.'),
    conditions: {
      type: 'array',
      description: 'Resolved, Reachable, Cached, Verified, and Ready over all.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      items: {
        type: 'object',
        required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
        properties: {
          type: { type: 'string', maxLength: 316 },
          status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
          reason: { type: 'string', minLength: 1, maxLength: 1024 },
          message: { type: 'string', maxLength: 32_768 },
          observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
          lastTransitionTime: { type: 'string', format: 'date-time' },
        },
      },
    },
    digest: text('sha256:… of what is kept, or what hosts will be held to.'),
    size: bytes('Bytes of what is kept, of an image with its layers.'),
    cacheKey: text('What everybody who needs the same bytes shares.'),
    fetchCount: bytes('How often it was fetched from a source.'),
    source: text('Where the bytes came from, without credentials.'),
    usedBy: {
      type: 'array',
      items: { type: 'string' },
      'x-kubernetes-list-type': 'set',
      description: 'Machines of this namespace that name it.',
    },
    progress: {
      type: 'object',
      description: 'Of a fetch that is under way; written every few seconds.',
      properties: {
        bytes: bytes('That have come.'),
        total: bytes('Of the whole, if that is known.'),
      },
    },
    retained: {
      type: 'array',
      'x-kubernetes-list-type': 'atomic',
      description: 'Earlier digests that are kept too, the newest first.',
      items: {
        type: 'object',
        required: ['digest'],
        properties: { digest: text('sha256:…'), cacheKey: text('What it was kept for.') },
      },
    },
  },
};

export const artifactDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'artifacts.windlass.dev' },
  spec: {
    group: 'windlass.dev',
    names: {
      kind: 'Artifact',
      listKind: 'ArtifactList',
      plural: 'artifacts',
      singular: 'artifact',
      shortNames: ['art'],
      categories: ['windlass'],
    },
    scope: 'Namespaced',
    conversion: { strategy: 'None' },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        additionalPrinterColumns: [
          { name: 'Version', type: 'string', jsonPath: '.spec.version' },
          { name: 'Ready', type: 'string', jsonPath: `${condition('Ready')}.status` },
          { name: 'Reason', type: 'string', jsonPath: `${condition('Ready')}.reason` },
          { name: 'Size', type: 'integer', jsonPath: '.status.size', description: 'Bytes.' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          { name: 'Digest', type: 'string', priority: 1, jsonPath: '.status.digest' },
          { name: 'Source', type: 'string', priority: 1, jsonPath: '.status.source' },
          {
            name: 'Fetched',
            type: 'integer',
            priority: 1,
            jsonPath: '.status.fetchCount',
            description: 'How often it was fetched.',
          },
          { name: 'Delivery', type: 'string', priority: 1, jsonPath: '.spec.delivery' },
        ],
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description:
              'A file, an archive or an image for hosts: where it comes from, what its digest is, and how it gets there.',
            required: ['spec'],
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec: artifactSpec,
              status,
            },
          },
        },
      },
    ],
  },
} as const;
