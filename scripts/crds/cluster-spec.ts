// What a Cluster is asked to be.
import { count, duration, flag, keyed, label, text, texts } from './fields.ts';
import type { OpenAPISchema } from './open-api-schema.ts';

/** Checked where it is used: a Machine's own schema says what may be in it. */
const free = (description: string): OpenAPISchema => ({
  type: 'object',
  'x-kubernetes-preserve-unknown-fields': true,
  description,
});

const share = (description: string): OpenAPISchema => ({
  anyOf: [{ type: 'integer' }, { type: 'string' }],
  'x-kubernetes-int-or-string': true,
  description,
});

const atLeast = (minimum: number, schema: OpenAPISchema, value?: number): OpenAPISchema => ({
  ...schema,
  minimum,
  ...(value === undefined ? {} : { default: value }),
});

const pool: OpenAPISchema = {
  type: 'object',
  description: 'Machines of one kind.',
  required: ['name', 'role'],
  'x-kubernetes-validations': [
    {
      rule: 'has(self.replicas) != has(self.hosts)',
      message:
        'a pool has either replicas, made from its template, or hosts, which are there already',
    },
  ],
  properties: {
    name: label('Name of the pool; part of the names of its machines.'),
    role: {
      type: 'string',
      enum: ['controller', 'worker', 'controller+worker'],
      description: 'What its machines do. It cannot be changed: make another pool.',
    },
    replicas: {
      ...atLeast(0, count('How many machines there are; they are named by number.')),
      maximum: 5_000,
    },
    template: free('Spec of its Machines, without role and version, which are the Cluster’s.'),
    hosts: keyed(
      'Machines that are there already.',
      ['name'],
      {
        type: 'object',
        required: ['name'],
        properties: {
          name: label('Name of the host; part of the name of its Machine.'),
          connection: free('How it is reached, as in the spec of a Machine.'),
        },
      },
      1_000,
    ),
  },
};

const drain: OpenAPISchema = {
  type: 'object',
  description: 'How a node is emptied before it is changed.',
  properties: {
    enabled: flag('Whether nodes are emptied at all.', true),
    timeout: duration('How long a node may take to get empty.', '5m'),
    gracePeriod: duration('What each Pod is given to stop.', '2m'),
    onTimeout: {
      type: 'string',
      enum: ['Fail', 'Force'],
      default: 'Fail',
      description:
        'Fail: the node takes Pods again and is not changed. Force: what is left is deleted, past its budgets.',
    },
    podSelector: text('Only Pods with these labels are moved.'),
  },
};

const rollout: OpenAPISchema = {
  type: 'object',
  description: 'How a change reaches the machines.',
  properties: {
    maxUnavailable: share(
      'How many workers may be out of service at a time, whatever the reason: a number, or a share of all as 10%. At least one.',
    ),
    order: texts('Names of pools of workers in the order they are changed; others follow.'),
    drain,
    pauseAfter: atLeast(
      1,
      count('Wait after this many machines, until this is raised or taken away.'),
    ),
    maxFailures: atLeast(0, count('With more failures than this nothing new is begun.'), 0),
    paused: flag('Begin nothing new; what was begun is finished.'),
    retryToken: text('Machines that failed are tried again when this changes.'),
    backup: flag(
      'Whether a controller is backed up before it gets another version, where the distribution can (K0s).',
      true,
    ),
    backupRetention: atLeast(
      0,
      count('How many of those backups stay on the host of each controller. 0: all of them.'),
      5,
    ),
  },
};

export const clusterSpec: OpenAPISchema = {
  type: 'object',
  description: 'What is wanted.',
  'x-kubernetes-validations': [
    {
      rule: 'self.distribution == oldSelf.distribution',
      fieldPath: '.distribution',
      message: 'the distribution cannot be changed: make another cluster',
    },
  ],
  properties: {
    distribution: {
      type: 'string',
      enum: ['Windlass', 'K0s'],
      default: 'Windlass',
      description: 'What runs on the machines.',
    },
    version: {
      ...text(
        'Version of what runs on the machines. Without one new machines get what the others run, and nothing is upgraded.',
      ),
      maxLength: 128,
    },
    providerRef: {
      type: 'object',
      description: 'The InfraProvider that makes the machines.',
      required: ['name'],
      properties: { name: label('Name of an InfraProvider of the same namespace.') },
    },
    pools: keyed('Groups of machines.', ['name'], pool),
    powerState: {
      type: 'string',
      enum: ['Running', 'Stopped'],
      default: 'Running',
      description:
        'Stopped: machines keep what they have and are off; Running brings back exactly those that ran.',
    },
    rollout,
    concurrency: {
      type: 'object',
      description: 'Limits that are about load, not about disruption. 0: none.',
      properties: {
        operations: atLeast(0, count('Machines worked on at a time.'), 30),
        uploads: atLeast(0, count('Files sent to machines at a time.'), 5),
        downloads: atLeast(0, count('Files fetched by machines at a time.'), 5),
      },
    },
    planOnly: flag('Only say what would be done, in status.plan.'),
    approvedPlanHash: text(
      'With planOnly: carry out exactly the plan with this hash. When the world changes meanwhile, it stops and asks again.',
    ),
    prune: flag('Whether machines that the pools no longer name are emptied and removed.', true),
    reset: {
      type: 'object',
      description: 'Machines to be emptied, cleaned and kept out although the pools name them.',
      required: ['machines'],
      properties: {
        machines: texts('Names of Machines.'),
        force: flag(
          'Also when their role differs from what runs, or when they are all controllers.',
        ),
      },
    },
    restoreFrom: {
      ...text(
        'Path of a backup on the host of the controller that begins the cluster: it begins with what is in it (K0s). A cluster that is there is left alone.',
      ),
      pattern: '^/[^\\x00]*$',
      maxLength: 4096,
    },
    distributionOptions: {
      type: 'object',
      description: 'What the distribution is told.',
      properties: {
        flags: texts('Arguments of its install command, such as --debug.'),
        configuration: free('Its configuration file.'),
      },
    },
  },
};
