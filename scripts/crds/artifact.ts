// The source of deploy/crds/windlass.dev_artifacts.yaml.
import { artifactSpec } from './artifact-spec.ts';
import { text } from './fields.ts';
import type { OpenAPISchema } from './open-api-schema.ts';
import { AGE, conditions, ownKind } from './own-kind.ts';

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
    conditions: conditions('Resolved, Reachable, Cached, Verified, and Ready over all.'),
    digest: text('sha256:… of what is kept, or what hosts will be held to.'),
    size: bytes('Bytes of what is kept, of an image with its layers.'),
    cacheKey: text('What everybody who needs the same bytes shares.'),
    fetchCount: bytes('How often it was fetched from a source.'),
    source: text('Where the bytes came from, without credentials.'),
    usedBy: {
      type: 'array',
      items: { type: 'string' },
      'x-kubernetes-list-type': 'set',
      description:
        'Who of this namespace names it: Machine/worker-1, Cluster/edge. While somebody does, it is not deleted.',
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

export const artifactDefinition = ownKind({
  kind: 'Artifact',
  plural: 'artifacts',
  shortName: 'art',
  category: 'windlass',
  columns: [
    { name: 'Version', type: 'string', jsonPath: '.spec.version' },
    { name: 'Ready', type: 'string', jsonPath: `${condition('Ready')}.status` },
    { name: 'Reason', type: 'string', jsonPath: `${condition('Ready')}.reason` },
    { name: 'Size', type: 'integer', jsonPath: '.status.size', description: 'Bytes.' },
    AGE,
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
  description:
    'A file, an archive or an image for hosts: where it comes from, what its digest is, and how it gets there.',
  spec: artifactSpec,
  status,
});
