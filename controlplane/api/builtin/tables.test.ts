// What `kubectl get` shows of built-in kinds.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtinSchema } from '../schema/corpus.ts';
import { builtinDefinitions } from './definitions.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);
const HOUR_AGO = '2026-11-21T11:00:00Z';
const definitions = builtinDefinitions(builtinSchema);

function cells(kind: string, object: object): Record<string, unknown> {
  const definition = definitions.find((known) => known.kind === kind) ?? assert.fail(kind);
  const { metadata = {}, ...rest } = object as { metadata?: object };
  const row = definition.table.row(
    {
      apiVersion: 'v1',
      kind,
      metadata: { name: 'x', creationTimestamp: HOUR_AGO, ...metadata },
      ...rest,
    },
    NOW,
  );
  assert.equal(row.length, definition.table.columns.length);
  return Object.fromEntries(definition.table.columns.map(({ name }, at) => [name, row[at]]));
}

test('every kind has its schema, a table that fits an empty object, and unique names', () => {
  const names = new Set<string>();
  for (const { kind, group, version, resource, shortNames, table } of definitions) {
    const empty = { apiVersion: 'v1', kind, metadata: {} };
    assert.equal(table.row(empty, NOW).length, table.columns.length, kind);
    // Some kinds have another version, or another group to be found under.
    if (version !== 'v1' || group === 'events.k8s.io') continue;
    for (const name of [resource, ...shortNames]) {
      assert.ok(!names.has(name), name);
      names.add(name);
    }
  }
});

const running = (name: string, more: object = {}): object => ({
  name,
  ready: true,
  restartCount: 0,
  state: { running: {} },
  ...more,
});
const waiting = (name: string, reason: string, more: object = {}): object => ({
  name,
  ready: false,
  restartCount: 0,
  state: { waiting: { reason } },
  ...more,
});
const ended = (name: string, terminated: object): object => ({
  name,
  ready: false,
  restartCount: 0,
  state: { terminated },
});
const two = { containers: [{ name: 'a' }, { name: 'b' }] };
const ready = [{ type: 'Ready', status: 'True' }];

describe('Pod', () => {
  for (const [why, pod, expected] of [
    ['nothing yet', { spec: two, status: { phase: 'Pending' } }, ['0/2', 'Pending', '0']],
    [
      'running',
      { spec: two, status: { phase: 'Running', containerStatuses: [running('a'), running('b')] } },
      ['2/2', 'Running', '0'],
    ],
    [
      'restarted five minutes ago',
      {
        spec: two,
        status: {
          phase: 'Running',
          containerStatuses: [
            running('a', {
              restartCount: 2,
              lastState: { terminated: { finishedAt: '2026-11-21T11:55:00Z' } },
            }),
            running('b'),
          ],
        },
      },
      ['2/2', 'Running', '2 (5m ago)'],
    ],
    [
      'crashing',
      {
        spec: two,
        status: {
          phase: 'Running',
          containerStatuses: [waiting('a', 'CrashLoopBackOff', { restartCount: 3 }), running('b')],
        },
      },
      ['1/2', 'CrashLoopBackOff', '3'],
    ],
    [
      'completed',
      {
        spec: two,
        status: {
          phase: 'Succeeded',
          containerStatuses: [
            ended('a', { reason: 'Completed' }),
            ended('b', { reason: 'Completed' }),
          ],
        },
      },
      ['0/2', 'Completed', '0'],
    ],
    [
      'one of two completed',
      {
        spec: two,
        status: {
          phase: 'Running',
          conditions: ready,
          containerStatuses: [ended('a', { reason: 'Completed' }), running('b')],
        },
      },
      ['1/2', 'Running', '0'],
    ],
    [
      'killed by a signal',
      { spec: two, status: { phase: 'Failed', containerStatuses: [ended('a', { signal: 9 })] } },
      ['0/2', 'Signal:9', '0'],
    ],
    [
      'ended with a code',
      { spec: two, status: { phase: 'Failed', containerStatuses: [ended('a', { exitCode: 3 })] } },
      ['0/2', 'ExitCode:3', '0'],
    ],
    [
      'initializing',
      {
        spec: { ...two, initContainers: [{ name: 'i' }, { name: 'j' }] },
        status: {
          phase: 'Pending',
          initContainerStatuses: [ended('i', { exitCode: 0 }), running('j', { ready: false })],
          containerStatuses: [waiting('a', 'PodInitializing'), waiting('b', 'PodInitializing')],
        },
      },
      ['0/2', 'Init:1/2', '0'],
    ],
    [
      'failing to initialize',
      {
        spec: { ...two, initContainers: [{ name: 'i' }] },
        status: {
          phase: 'Pending',
          initContainerStatuses: [waiting('i', 'CrashLoopBackOff', { restartCount: 4 })],
        },
      },
      ['0/2', 'Init:CrashLoopBackOff', '4'],
    ],
    [
      'with a sidecar',
      {
        spec: { ...two, initContainers: [{ name: 's', restartPolicy: 'Always' }] },
        status: {
          phase: 'Running',
          initContainerStatuses: [running('s', { started: true, restartCount: 1 })],
          containerStatuses: [running('a'), running('b')],
        },
      },
      ['3/3', 'Running', '1'],
    ],
    [
      'terminating',
      {
        metadata: { deletionTimestamp: HOUR_AGO },
        spec: two,
        status: { phase: 'Running', containerStatuses: [running('a'), running('b')] },
      },
      ['2/2', 'Terminating', '0'],
    ],
    [
      'lost with its node',
      {
        metadata: { deletionTimestamp: HOUR_AGO },
        spec: two,
        status: { phase: 'Running', reason: 'NodeLost' },
      },
      ['0/2', 'Unknown', '0'],
    ],
    [
      'gated',
      {
        spec: two,
        status: {
          phase: 'Pending',
          conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }],
        },
      },
      ['0/2', 'SchedulingGated', '0'],
    ],
  ] as const) {
    test(why, () => {
      const row = cells('Pod', pod);
      assert.deepEqual([row['Ready'], row['Status'], row['Restarts']], expected);
      assert.equal(row['Age'], '60m');
      assert.equal(row['Node'], '<none>');
    });
  }

  test('wide columns show address, node and gates', () => {
    const row = cells('Pod', {
      spec: {
        ...two,
        nodeName: 'n1',
        readinessGates: [{ conditionType: 'Ready' }, { conditionType: 'g' }],
      },
      status: { podIPs: [{ ip: '10.0.0.1' }], nominatedNodeName: 'n2', conditions: ready },
    });
    assert.deepEqual(
      [row['IP'], row['Node'], row['Nominated Node'], row['Readiness Gates']],
      ['10.0.0.1', 'n1', 'n2', '1/2'],
    );
  });
});

describe('other kinds', () => {
  test('Node', () => {
    const row = cells('Node', {
      metadata: {
        labels: {
          'node-role.kubernetes.io/worker': '',
          'node-role.kubernetes.io/control-plane': '',
        },
      },
      spec: { unschedulable: true },
      status: {
        conditions: ready,
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        nodeInfo: { kubeletVersion: 'v1.37.0' },
      },
    });
    assert.equal(row['Status'], 'Ready,SchedulingDisabled');
    assert.equal(row['Roles'], 'control-plane,worker');
    assert.equal(row['Version'], 'v1.37.0');
    assert.equal(row['Internal-IP'], '127.0.0.1');
    assert.equal(row['OS-Image'], '<unknown>');
    assert.equal(cells('Node', {})['Status'], 'Unknown');
  });

  test('Event', () => {
    const row = cells('Event', {
      type: 'Normal',
      reason: 'Started',
      message: ' up \n',
      involvedObject: { kind: 'Pod', name: 'p' },
      source: { component: 'agent', host: 'n1' },
      firstTimestamp: HOUR_AGO,
      lastTimestamp: '2026-11-21T11:59:30Z',
      count: 3,
    });
    assert.deepEqual(row, {
      'Last Seen': '30s',
      Type: 'Normal',
      Reason: 'Started',
      Object: 'pod/p',
      Subobject: '',
      Source: 'agent, n1',
      Message: 'up',
      'First Seen': '60m',
      Count: '3',
      Name: 'x',
    });
  });

  test('ConfigMap, Secret, ServiceAccount, Namespace, Lease', () => {
    assert.equal(cells('ConfigMap', { data: { a: '' }, binaryData: { b: '' } })['Data'], 2);
    assert.equal(cells('Secret', { type: 'Opaque', data: { a: '' } })['Type'], 'Opaque');
    assert.equal(cells('ServiceAccount', {})['Secrets'], 0);
    assert.equal(cells('Namespace', { status: { phase: 'Active' } })['Status'], 'Active');
    assert.equal(cells('Lease', { spec: { holderIdentity: 'me' } })['Holder'], 'me');
  });

  test('ControllerRevision names its controller with kind and group', () => {
    const owner = {
      apiVersion: 'windlass.dev/v1alpha1',
      kind: 'Service',
      name: 'web',
      controller: true,
    };
    const row = cells('ControllerRevision', {
      metadata: { ownerReferences: [owner] },
      revision: 4,
    });
    assert.equal(row['Controller'], 'service.windlass.dev/web');
    assert.equal(row['Revision'], 4);
  });

  test('Service', () => {
    const row = cells('Service', {
      spec: {
        type: 'NodePort',
        clusterIP: '10.0.0.1',
        ports: [
          { port: 80, nodePort: 30080, protocol: 'TCP' },
          { port: 53, protocol: 'UDP' },
        ],
        selector: { b: '2', a: '1' },
      },
    });
    assert.equal(row['Port(s)'], '80:30080/TCP,53/UDP');
    assert.equal(row['External-IP'], '<none>');
    assert.equal(row['Selector'], 'a=1,b=2');
  });

  test('PersistentVolumeClaim', () => {
    const row = cells('PersistentVolumeClaim', {
      spec: { volumeName: 'v', volumeMode: 'Filesystem' },
      status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] },
    });
    assert.deepEqual(
      [row['Status'], row['Volume'], row['Capacity'], row['Access Modes']],
      ['Bound', 'v', '1Gi', 'RWO'],
    );
  });

  test('RoleBinding shows the role, and its subjects with -o wide', () => {
    const row = cells('RoleBinding', {
      roleRef: { kind: 'ClusterRole', name: 'view' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'User', name: 'v' },
        { kind: 'ServiceAccount', name: 'a', namespace: 'n' },
      ],
    });
    assert.deepEqual(
      [row['Role'], row['Users'], row['Groups'], row['ServiceAccounts']],
      ['ClusterRole/view', 'u, v', '', 'n/a'],
    );
    assert.ok('Created At' in cells('ClusterRole', {}));
  });

  test('PodDisruptionBudget shows the amount that is not used as N/A', () => {
    const row = cells('PodDisruptionBudget', {
      spec: { maxUnavailable: '30%' },
      status: { disruptionsAllowed: 2 },
    });
    assert.deepEqual(
      [row['Min Available'], row['Max Unavailable'], row['Allowed Disruptions']],
      ['N/A', '30%', 2],
    );
  });
});
