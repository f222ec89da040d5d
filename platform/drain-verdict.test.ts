import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drainVerdict, UNATTENDED } from './drain-verdict.ts';
import type { DrainablePod, DrainRules } from './drain-verdict.ts';
import type { RequiredNodeAffinity } from './pod-placement.ts';

const CAREFUL: DrainRules = {
  force: false,
  deleteEmptyDirData: false,
  ignorePinned: false,
  keepFinished: false,
};

function pod(kind: string | undefined, more: Omit<DrainablePod, 'metadata'> = {}): DrainablePod {
  const metadata = kind === undefined ? {} : { ownerReferences: [{ kind, controller: true }] };
  return { metadata, ...more };
}

function pinnedTo(node: string): RequiredNodeAffinity {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  const nodeSelectorTerms = [{ matchFields }];
  return {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
  };
}

const CORDON = { key: 'node.kubernetes.io/unschedulable', operator: 'Exists' };
const ALL = { operator: 'Exists' };
const NO_EXECUTE = { operator: 'Exists', effect: 'NoExecute' };
const MIRROR = { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } };
const GOING = { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } };
const LOCAL = { volumes: [{ emptyDir: {} }] };

/** What it is, the Pod, the verdict of careful rules and that where nobody can be asked. */
const TABLE: readonly (readonly [string, DrainablePod, string, string])[] = [
  ['made by a controller', pod('Service'), 'evict Managed', 'evict Managed'],
  ['made by nobody', pod(undefined), 'refuse Unmanaged', 'evict Unmanaged'],
  ['a static Pod’s reflection', MIRROR, 'leave Mirror', 'leave Mirror'],
  ['of a DaemonSet', pod('DaemonSet'), 'refuse Pinned', 'leave Pinned'],
  [
    'pinned here, and tolerating the cordon',
    pod('Service', { spec: { affinity: pinnedTo('n1'), tolerations: [CORDON] } }),
    'refuse Pinned',
    'leave Pinned',
  ],
  [
    'pinned here, and tolerating everything',
    pod('Service', { spec: { affinity: pinnedTo('n1'), tolerations: [ALL] } }),
    'refuse Pinned',
    'leave Pinned',
  ],
  [
    'pinned here, and kept away by the cordon',
    pod('Service', { spec: { affinity: pinnedTo('n1'), tolerations: [NO_EXECUTE] } }),
    'evict Managed',
    'evict Managed',
  ],
  [
    'pinned to another node',
    pod('Service', { spec: { affinity: pinnedTo('n2'), tolerations: [ALL] } }),
    'evict Managed',
    'evict Managed',
  ],
  [
    'tolerating the cordon, but free to go',
    pod('Service', { spec: { tolerations: [ALL] } }),
    'evict Managed',
    'evict Managed',
  ],
  ['done', pod('Job', { status: { phase: 'Succeeded' } }), 'evict Finished', 'leave Finished'],
  ['failed', pod(undefined, { status: { phase: 'Failed' } }), 'evict Finished', 'leave Finished'],
  ['stopping', GOING, 'wait Stopping', 'wait Stopping'],
  ['with data on the node', pod('Service', { spec: LOCAL }), 'refuse LocalData', 'evict Managed'],
  [
    'done, with data on the node',
    pod('Job', { spec: LOCAL, status: { phase: 'Succeeded' } }),
    'evict Finished',
    'leave Finished',
  ],
];

for (const [what, one, careful, unattended] of TABLE)
  test(`a Pod that is ${what}: ${careful}, and ${unattended} where nobody can be asked`, () => {
    const said = (rules: DrainRules): string => {
      const { action, reason } = drainVerdict(one, 'n1', rules);
      return `${action} ${reason}`;
    };
    assert.equal(said(CAREFUL), careful);
    assert.equal(said(UNATTENDED), unattended);
  });
