// PersistenceInstance as a kind: what keeps the state, and how it is doing. The server's own and read-only: no
// CustomResourceDefinition is stored for it, and none can take its names.
import { definitionsOf } from '#controlplane/api/custom-resource.ts';
import { fieldAt, numberAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Cell, ResourceDefinition, TableDefinition } from '#controlplane/api/resource.ts';
import {
  ageCell,
  ageColumn,
  column,
  nameColumn,
  nameOf,
  orNone,
  wideColumn,
} from '#controlplane/api/table.ts';
import { durationText } from './duration-text.ts';

const GROUP = 'windlass.dev';
const VERSION = 'v1alpha1';

const text = (description: string): unknown => ({ type: 'string', description });
const count = (description: string): unknown => ({ type: 'integer', format: 'int64', description });
const seconds = (description: string): unknown => ({ type: 'number', description });
const flag = (description: string): unknown => ({ type: 'boolean', description });

const conditionSchema = {
  type: 'object',
  required: ['type', 'status', 'lastTransitionTime', 'reason', 'message'],
  properties: {
    type: text('Ready, Degraded, DurabilityDegraded or Primary.'),
    status: text('True, False or Unknown.'),
    reason: text('Why, in one word.'),
    message: text('Why, for people.'),
    lastTransitionTime: { type: 'string', format: 'date-time' },
  },
};

const schema = {
  type: 'object',
  description:
    'One place where the state is kept. Read-only: instances are given with --persistence when the server starts.',
  properties: {
    spec: {
      type: 'object',
      description: 'What was configured.',
      properties: {
        provider: text('What keeps it: sqlite, s3, nfs or module.'),
        location: text('Where, without credentials.'),
        role: text('Primary: written first, and read at the start. Replica: written after it.'),
        synchronous: flag('Whether acknowledgements wait for it (--ack).'),
      },
    },
    status: {
      type: 'object',
      properties: {
        exists: flag('Whether the provider knows the instance.'),
        status: flag('Whether it is up.'),
        meanPersistLatency: seconds(
          'Mean seconds from the request to its acknowledgement, over the last minutes.',
        ),
        state: text(
          'Up, CatchingUp, NeedsFullSync, Down, Fenced (another control plane took over), Diverged or Corrupt.',
        ),
        since: {
          type: 'string',
          format: 'date-time',
          description: 'When it came into this state.',
        },
        insteadOf: text(
          'The primary by a promotion, although --persistence names this instance first.',
        ),
        epoch: count('Which holder of the data wrote last.'),
        revision: count('Newest resourceVersion that is durable here.'),
        lagRevisions: count('Changes that the primary has and this one has not.'),
        lagSeconds: seconds('Age of the oldest of them.'),
        pendingBytes: count('Bytes that wait to be written here.'),
        lastError: {
          type: 'object',
          properties: {
            message: text('What went wrong last.'),
            time: { type: 'string', format: 'date-time' },
          },
        },
        conditions: { type: 'array', items: conditionSchema },
      },
    },
  },
};

const table: TableDefinition = {
  columns: [
    nameColumn,
    column('Provider'),
    column('Role'),
    column('State'),
    column('Exists', { type: 'boolean' }),
    column('Up', { type: 'boolean' }),
    column('Latency', { description: 'Mean time until a write is durable here.' }),
    column('Lag', { description: 'What it has not got yet: changes, and the age of the oldest.' }),
    ageColumn,
    wideColumn('Sync', { type: 'boolean', description: 'Whether acknowledgements wait for it.' }),
    wideColumn('Location'),
    wideColumn('Revision', { type: 'integer' }),
    wideColumn('Epoch', { type: 'integer' }),
    wideColumn('Last Error'),
  ],
  row: (object, now): readonly Cell[] => [
    nameOf(object),
    stringAt(object, 'spec', 'provider'),
    stringAt(object, 'spec', 'role'),
    stringAt(object, 'status', 'state'),
    fieldAt(object, 'status', 'exists') === true,
    fieldAt(object, 'status', 'status') === true,
    durationText(numberAt(object, 'status', 'meanPersistLatency')),
    lagText(object),
    ageCell(object, now),
    fieldAt(object, 'spec', 'synchronous') === true,
    stringAt(object, 'spec', 'location'),
    numberAt(object, 'status', 'revision'),
    numberAt(object, 'status', 'epoch'),
    orNone(stringAt(object, 'status', 'lastError', 'message')),
  ],
};

function lagText(object: KubernetesObject): string {
  const changes = numberAt(object, 'status', 'lagRevisions');
  return changes === 0
    ? '0'
    : `${changes} (${durationText(numberAt(object, 'status', 'lagSeconds'))})`;
}

const [custom] = definitionsOf({
  kind: 'CustomResourceDefinition',
  apiVersion: 'apiextensions.k8s.io/v1',
  metadata: { name: `persistenceinstances.${GROUP}` },
  spec: {
    group: GROUP,
    scope: 'Cluster',
    names: {
      kind: 'PersistenceInstance',
      plural: 'persistenceinstances',
      singular: 'persistenceinstance',
      shortNames: ['pinst'],
    },
    versions: [{ name: VERSION, served: true, schema: { openAPIV3Schema: schema } }],
  },
});
if (custom === undefined)
  throw new TypeError('the definition of PersistenceInstance has no version');

export const persistenceInstanceDefinition: ResourceDefinition = {
  ...custom,
  table,
  verbs: ['get', 'list', 'watch'],
  subresources: [
    { name: 'add', verbs: ['create'] },
    { name: 'dump', verbs: ['get'] },
    { name: 'history', verbs: ['get'] },
    { name: 'promote', verbs: ['create'] },
    { name: 'remove', verbs: ['create'] },
    { name: 'resync', verbs: ['create'] },
    { name: 'verify', verbs: ['create'] },
  ],
  isVirtual: true,
};
