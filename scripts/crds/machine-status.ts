// What a Machine says about itself.
import { keyed, text, texts } from './fields.ts';
import type { OpenAPISchema } from './open-api-schema.ts';
import { conditions } from './own-kind.ts';

const object = (
  properties: Readonly<Record<string, OpenAPISchema>>,
  description?: string,
): OpenAPISchema => ({
  type: 'object',
  ...(description === undefined ? {} : { description }),
  properties,
});

const slot: OpenAPISchema = { type: 'string', enum: ['a', 'b'] };
const good = (description: string): OpenAPISchema =>
  object({ slot, goalHash: { type: 'string' }, version: { type: 'string' } }, description);
const time: OpenAPISchema = { type: 'string', format: 'date-time' };

export const machineStatus: OpenAPISchema = object(
  {
    observedGeneration: {
      type: 'integer',
      format: 'int64',
      description: 'Generation of the spec that this status is about.',
    },
    phase: {
      type: 'string',
      enum: ['Pending', 'Provisioning', 'Joining', 'Ready', 'Failed', 'Stopped'],
      description: 'Where it is in its life.',
    },
    nodeRef: object({ name: { type: 'string' } }, 'Its Node, when there is one.'),
    goalHash: text('Hash of what the spec asks for, artifacts and defaults resolved.'),
    specHash: text('Hash of the part of the spec that was worked on to its end.'),
    contentHash: text(
      'Hash of what its Artifacts and local files held when they were last brought: another one begins a run.',
    ),
    run: object(
      {
        specHash: { type: 'string' },
        slot,
        direction: { type: 'string', enum: ['Forward', 'Back'] },
        goalHash: { type: 'string' },
        contentHash: { type: 'string' },
        version: { type: 'string' },
        isReturn: { type: 'boolean' },
        isRebuild: { type: 'boolean' },
      },
      'What is being done; absent when nothing is.',
    ),
    activeSlot: { ...slot, description: 'Which of its two roots is in use.' },
    lastGood: good('The slot that was proven last; what a failed change goes back to.'),
    previous: good('What was good before that, kept to go back to on request.'),
    quarantined: texts('Goals that failed, and are not tried again before somebody asks.'),
    staged: keyed('Artifacts as they lie on its host.', ['artifact', 'path'], {
      type: 'object',
      required: ['artifact', 'path', 'digest'],
      properties: {
        artifact: { type: 'string' },
        path: { type: 'string' },
        digest: { type: 'string' },
        type: text('File or Tar.'),
        delivery: text('How it got there.'),
        message: text('Why it did not get there as its Artifact says.'),
      },
    }),
    installedVersion: text('Version that was put there last.'),
    runningVersion: text('Version that runs, proven.'),
    isHeldStopped: { type: 'boolean', description: 'An operation stopped it.' },
    facts: object(
      {
        hostname: { type: 'string' },
        machineId: { type: 'string' },
        clockOffsetMillis: { type: 'integer', format: 'int64' },
        architecture: { type: 'string' },
        addresses: texts('Of its host.'),
      },
      'What its host said of itself when it was last changed.',
    ),
    preflight: object(
      {
        status: { type: 'string', enum: ['ok', 'failed'] },
        summary: { type: 'string' },
        checks: {
          type: 'array',
          'x-kubernetes-list-type': 'atomic',
          items: {
            type: 'object',
            required: ['name', 'target', 'severity', 'message'],
            properties: {
              name: { type: 'string' },
              target: { type: 'string' },
              severity: { type: 'string', enum: ['ok', 'warning', 'error'] },
              message: { type: 'string' },
              ignored: { type: 'boolean' },
            },
          },
        },
      },
      'What was found before anything was touched.',
    ),
    steps: keyed('The steps of the last run, and the tasks inside of them.', ['name'], {
      type: 'object',
      required: ['name', 'state', 'attempt'],
      properties: {
        name: { type: 'string' },
        state: { type: 'string', enum: ['Pending', 'Running', 'Done', 'Failed', 'Cancelled'] },
        attempt: { type: 'integer', format: 'int32' },
        startedAt: time,
        finishedAt: time,
        message: { type: 'string' },
      },
    }),
    operation: object(
      {
        uid: { type: 'string' },
        type: { type: 'string' },
        phase: { type: 'string', enum: ['Pending', 'InProgress', 'Complete', 'Failed'] },
        message: { type: 'string' },
      },
      'The operation that was asked for last.',
    ),
    conditions: conditions('Ready, and what it is made of.'),
  },
  'What is there. Written by the machine controller.',
);
