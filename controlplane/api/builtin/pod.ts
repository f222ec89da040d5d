// core/v1 Pod: subresources, selectable fields and the columns of `kubectl get pods`. How a Pod's one-word status is
// found is in pod-status.ts.
import { conditionOf, listAt, objectAt, stringAt } from '../fields.ts';
import type { ResourceDefinition, SubresourceDefinition, TableDefinition } from '../resource.ts';
import { ageCell, ageColumn, column, nameColumn, nameOf, orNone, wideColumn } from '../table.ts';
import { humanDuration } from '../timestamps.ts';
import { statusSubresource } from './define.ts';
import { podSummary } from './pod-status.ts';

const STREAM_OPTIONS: Readonly<Record<string, string>> = {
  attach: 'PodAttachOptions',
  exec: 'PodExecOptions',
  portforward: 'PodPortForwardOptions',
};

/** Opened with an upgrade; GET is for WebSocket, which browsers know no other way. */
const streamSubresource = (name: string): SubresourceDefinition => ({
  name,
  kind: { group: '', version: 'v1', kind: STREAM_OPTIONS[name] ?? '' },
  verbs: ['create', 'get'],
});

export const podSubresources: readonly SubresourceDefinition[] = [
  streamSubresource('attach'),
  {
    name: 'binding',
    kind: { group: '', version: 'v1', kind: 'Binding' },
    verbs: ['create'],
  },
  { name: 'ephemeralcontainers', verbs: ['get', 'patch', 'update'] },
  {
    name: 'eviction',
    kind: { group: 'policy', version: 'v1', kind: 'Eviction' },
    verbs: ['create'],
  },
  streamSubresource('exec'),
  { name: 'log', verbs: ['get'] },
  streamSubresource('portforward'),
  { name: 'resize', verbs: ['get', 'patch', 'update'] },
  statusSubresource,
];

const selected = (...path: readonly string[]): ResourceDefinition['selectableFields'][string] => {
  return (object) => stringAt(object, ...path);
};

export const podSelectableFields: ResourceDefinition['selectableFields'] = {
  'spec.nodeName': selected('spec', 'nodeName'),
  'spec.restartPolicy': selected('spec', 'restartPolicy'),
  'spec.schedulerName': selected('spec', 'schedulerName'),
  'spec.serviceAccountName': selected('spec', 'serviceAccountName'),
  'spec.hostNetwork': (object) => String(objectAt(object, 'spec')['hostNetwork'] === true),
  'status.phase': selected('status', 'phase'),
  'status.podIP': selected('status', 'podIP'),
  'status.podIPs': (object) =>
    listAt(object, 'status', 'podIPs')
      .map((entry) => stringAt(entry, 'ip'))
      .join(','),
  'status.nominatedNodeName': selected('status', 'nominatedNodeName'),
};

export const podTable: TableDefinition = {
  columns: [
    nameColumn,
    column('Ready', { description: 'Containers that are ready, of all.' }),
    column('Status'),
    column('Restarts', { description: 'Restarts of all containers, and when the last was.' }),
    ageColumn,
    wideColumn('IP'),
    wideColumn('Node'),
    wideColumn('Nominated Node'),
    wideColumn('Readiness Gates'),
  ],
  row(object, now) {
    const summary = podSummary(object);
    const ago =
      summary.restarts === 0 || summary.lastRestart === undefined
        ? ''
        : ` (${humanDuration(now - summary.lastRestart)} ago)`;
    const ip = stringAt(listAt(object, 'status', 'podIPs')[0], 'ip');
    const gates = listAt(object, 'spec', 'readinessGates');
    const passed = gates.filter(
      (gate) => stringAt(conditionOf(object, stringAt(gate, 'conditionType')), 'status') === 'True',
    );
    return [
      nameOf(object),
      `${summary.ready}/${summary.total}`,
      summary.status,
      `${summary.restarts}${ago}`,
      ageCell(object, now),
      orNone(ip || stringAt(object, 'status', 'podIP')),
      orNone(stringAt(object, 'spec', 'nodeName')),
      orNone(stringAt(object, 'status', 'nominatedNodeName')),
      gates.length === 0 ? '<none>' : `${passed.length}/${gates.length}`,
    ];
  },
};
