// What a Service says about itself.
import { count, text } from './fields.ts';
import type { OpenAPISchema } from './open-api-schema.ts';
import { conditions } from './own-kind.ts';

/** In the words of a plan, in the order of a rollout. */
const OPERATIONS = [
  'createVolume',
  'stopPreDeploy',
  'runPreDeploy',
  'run',
  'update',
  'replace',
  'stop',
  'remove',
  'switch',
  'promote',
  'runPostDeploy',
] as const;

export const status: OpenAPISchema = {
  type: 'object',
  description: 'What is there. Written by the service controller.',
  properties: {
    observedGeneration: {
      type: 'integer',
      format: 'int64',
      description: 'Generation of the spec that this status is about.',
    },
    replicas: count('Instances that exist and are not stopping.'),
    desiredReplicas: count('Instances that the spec asks for.'),
    readyReplicas: count('Instances that are ready.'),
    updatedReplicas: count('Instances of the revision that the spec describes.'),
    availableReplicas: count('Instances that are ready and were watched long enough.'),
    currentRevision: text('Hash of the newest revision that was rolled out completely.'),
    updateRevision: text('Hash of the revision that the spec describes.'),
    revision: {
      type: 'integer',
      format: 'int64',
      description: 'Number of the revision that the spec describes.',
    },
    activeRevision: text(
      'With BlueGreen: hash of the revision that ingress and names lead to; without it, all ready instances.',
    ),
    step: {
      type: 'integer',
      format: 'int32',
      description: 'With Canary: how many steps of the rollout are done.',
    },
    awaitsPromotion: {
      type: 'boolean',
      description: 'Whether the rollout waits for `windlass promote` or `windlass abort`.',
    },
    selector: text('Label selector of the instances, for the scale subresource.'),
    conditions: conditions('Ready, Progressing, Degraded and RolledBack.'),
    plan: {
      type: 'object',
      description: 'The plan being carried out; absent when there is nothing to do.',
      properties: {
        summary: text('How many operations are done, in progress and pending.'),
        operations: {
          type: 'array',
          'x-kubernetes-list-type': 'atomic',
          items: {
            type: 'object',
            required: ['op', 'state', 'reasons'],
            properties: {
              op: { type: 'string', enum: [...OPERATIONS] },
              node: { type: 'string' },
              pod: { type: 'string' },
              volume: { type: 'string' },
              order: { type: 'string', enum: ['start-first', 'stop-first'] },
              state: {
                type: 'string',
                enum: ['Pending', 'InProgress', 'Waiting', 'Done', 'Failed'],
              },
              reasons: {
                type: 'array',
                items: { type: 'string' },
                'x-kubernetes-list-type': 'atomic',
              },
            },
          },
        },
      },
    },
  },
};
