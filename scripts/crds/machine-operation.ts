// The source of deploy/crds/windlass.dev_machineoperations.yaml.
import { duration, text } from './fields.ts';
import type { OpenAPISchema } from './open-api-schema.ts';
import { AGE, conditions, ownKind } from './own-kind.ts';

const TYPES = [
  'Preflight',
  'Start',
  'Stop',
  'Reboot',
  'Rollback',
  'Retry',
  'Reset',
  'CollectLogs',
] as const;

const PHASES = ['Pending', 'InProgress', 'Complete', 'Failed'] as const;

const spec: OpenAPISchema = {
  type: 'object',
  description: 'What is to be done, once. It cannot be changed: make another operation.',
  required: ['type'],
  'x-kubernetes-validations': [
    { rule: 'self == oldSelf', message: 'spec cannot be changed: make another MachineOperation' },
    {
      rule: 'has(self.machineRef) != has(self.selector)',
      message: 'spec must have exactly one of machineRef and selector',
    },
  ],
  properties: {
    type: {
      type: 'string',
      enum: [...TYPES],
      description:
        'Preflight, Start, Stop, Reboot, Rollback (to the last good root), Retry (what failed), Reset (to a machine without us), or CollectLogs.',
    },
    machineRef: {
      type: 'object',
      description: 'One Machine of the namespace.',
      required: ['name'],
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 253, description: 'Name of the Machine.' },
      },
    },
    selector: {
      type: 'object',
      description: 'All Machines of the namespace with these labels, as they are when it begins.',
      properties: {
        matchLabels: {
          type: 'object',
          maxProperties: 64,
          additionalProperties: { type: 'string', maxLength: 63 },
        },
        matchExpressions: {
          type: 'array',
          maxItems: 64,
          'x-kubernetes-list-type': 'atomic',
          items: {
            type: 'object',
            required: ['key', 'operator'],
            properties: {
              key: { type: 'string', maxLength: 317 },
              operator: { type: 'string', enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] },
              values: {
                type: 'array',
                maxItems: 256,
                'x-kubernetes-list-type': 'atomic',
                items: { type: 'string', maxLength: 63 },
              },
            },
          },
        },
      },
    },
    deadline: duration('So long after its creation, what is not done has failed.', '10m'),
    ttlSecondsAfterFinished: {
      type: 'integer',
      format: 'int32',
      minimum: 0,
      description:
        'So long after its end it is deleted, with the logs it collected. Absent: it is kept.',
    },
  },
};

const status: OpenAPISchema = {
  type: 'object',
  description: 'How far it is. Written by the machine-operation controller.',
  properties: {
    observedGeneration: {
      type: 'integer',
      format: 'int64',
      description: 'Generation this is about.',
    },
    phase: { type: 'string', enum: [...PHASES], description: 'How far the whole of it is.' },
    startTime: {
      type: 'string',
      format: 'date-time',
      description: 'When the first machine was claimed for it.',
    },
    completionTime: { type: 'string', format: 'date-time', description: 'When it ended.' },
    message: text('How it stands, in a sentence.'),
    results: {
      type: 'array',
      description: 'How far each machine is.',
      maxItems: 10_000,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['machine'],
      items: {
        type: 'object',
        required: ['machine', 'phase'],
        properties: {
          machine: { type: 'string', maxLength: 253, description: 'Name of the Machine.' },
          phase: { type: 'string', enum: [...PHASES] },
          message: { type: 'string', maxLength: 32_768 },
          logs: {
            type: 'object',
            description: 'Where the collected logs are.',
            required: ['secretName', 'bytes'],
            properties: {
              secretName: text('A Secret of the namespace; its key logs.tar.gz.'),
              bytes: { type: 'integer', format: 'int64', description: 'Of the archive.' },
            },
          },
        },
      },
    },
    conditions: conditions('Complete, Failed.'),
  },
};

export const machineOperationDefinition = ownKind({
  kind: 'MachineOperation',
  plural: 'machineoperations',
  shortName: 'mop',
  category: 'windlass',
  columns: [
    { name: 'Type', type: 'string', jsonPath: '.spec.type' },
    { name: 'Machine', type: 'string', jsonPath: '.spec.machineRef.name' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Message', type: 'string', jsonPath: '.status.message' },
    AGE,
    { name: 'Started', type: 'date', priority: 1, jsonPath: '.status.startTime' },
    { name: 'Completed', type: 'date', priority: 1, jsonPath: '.status.completionTime' },
  ],
  description: 'Something to do with machines once: a restart, a rollback, a look at the logs.',
  spec,
  status,
});
