// What a Cluster says about itself.
import { count, flag, text, texts } from './fields.ts';
import type { OpenAPISchema } from './open-api-schema.ts';
import { conditions } from './own-kind.ts';

const MANY = 10_000;

/** Names of machines, of which there may be more than of other things. */
const many = (description: string): OpenAPISchema => ({ ...texts(description), maxItems: MANY });

const planItem: OpenAPISchema = {
  type: 'object',
  required: ['machine', 'action'],
  properties: {
    machine: text('Name of the Machine.'),
    action: text('create, update, repair, recreate, configure, delete, start or stop.'),
    reason: text('Why.'),
    disruption: text('none, restart or recreate.'),
    target: text('Hash of what it becomes.'),
  },
};

const list = (description: string, items: OpenAPISchema): OpenAPISchema => ({
  type: 'array',
  description,
  maxItems: MANY,
  'x-kubernetes-list-type': 'atomic',
  items,
});

export const clusterStatus: OpenAPISchema = {
  type: 'object',
  description: 'What is there. Written by the cluster controller.',
  properties: {
    observedGeneration: {
      type: 'integer',
      format: 'int64',
      description: 'Generation this is about.',
    },
    phase: text(
      'running when all nodes are ready, stopped when none is, else degraded; Pending, Deleting.',
    ),
    ready: flag('Whether all nodes are ready.'),
    version: text('Version that machines are brought to.'),
    nodesTotal: count('Machines there are.'),
    nodesReady: count('Machines that serve.'),
    nodes: list('Its machines.', {
      type: 'object',
      required: ['name'],
      properties: {
        name: text('Name of the Machine.'),
        role: text('controller, worker or controller+worker.'),
        state: text('running, stopped, or what its Machine says.'),
        version: text('What runs there.'),
      },
    }),
    endpoint: text('URL of its API server.'),
    plan: list('What is to be done, in order.', planItem),
    planHash: text('Hash of the plan, for spec.approvedPlanHash.'),
    approvedPlan: {
      type: 'object',
      description: 'The plan that was approved, as it was then.',
      required: ['hash'],
      properties: {
        hash: text('Its hash.'),
        done: flag('Whether all of it was carried out.'),
        items: list('What it said.', planItem),
      },
    },
    rollout: {
      type: 'object',
      description: 'The change that is under way, or the last one.',
      properties: {
        revision: text('Hash of what machines become.'),
        total: count('Machines that this revision is about.'),
        updated: count('Machines that have this revision.'),
        begun: many('Machines that were changed for this revision.'),
        underWay: many('Machines that are being changed.'),
        failed: list('Machines on which it failed.', {
          type: 'object',
          required: ['machine', 'target'],
          properties: {
            machine: text('Name of the Machine.'),
            target: text('Hash of what it was to become.'),
            content: text('Hash of what its Artifacts and files held.'),
            retryToken: text('spec.rollout.retryToken when it was tried.'),
            reason: text('One word.'),
            message: text('A sentence.'),
          },
        }),
      },
    },
    powerSnapshot: {
      type: 'object',
      description: 'Machines that ran when the cluster was stopped; they are started again.',
      properties: {
        takenAt: { type: 'string', format: 'date-time', description: 'When.' },
        machines: many('Their names.'),
      },
    },
    ignoredFields: texts('Fields of the spec that nothing acts on.'),
    conditions: conditions(
      'Available, Progressing, Degraded, PlanReady, RolloutHalted, FieldsIgnored, Ready.',
    ),
  },
};
