// Bad controllers of Pods that go on running.
import type { BadObject, Changes } from './validation-case.ts';

const bad =
  (base: string) =>
  (changes: Changes, update?: Changes): BadObject =>
    update === undefined ? [base, changes] : [base, changes, update];

const deployment = bad('deployment');
const stateful = bad('statefulset');
const daemon = bad('daemonset');
const container = 'spec/template/spec/containers/0';

const common: readonly BadObject[] = [
  'deployment',
  'replicaset',
  'daemonset',
  'statefulset',
].flatMap((base) => {
  const of = bad(base);
  return [
    of({ spec: undefined }),
    of({ 'spec/selector': undefined }),
    of({ 'spec/selector': {} }),
    of({ 'spec/selector': { matchLabels: { app: 'two' } } }),
    of({ 'spec/selector': { matchLabels: { 'a b': 'c' } } }),
    of({ 'spec/selector': { matchExpressions: [{ key: 'app', operator: 'X' }] } }),
    of({ 'spec/template': undefined }),
    of({ 'spec/template/metadata': undefined }),
    of({ 'spec/template/metadata/labels': { 'a b': 'c', app: 'one' } }),
    of({ 'spec/template/metadata/annotations': { 'a b': 'c' } }),
    of({ 'spec/template/spec/containers': [] }),
    of({ [`${container}/image`]: '' }),
    of({ [`${container}/name`]: 'A' }),
    of({ 'spec/template/spec/restartPolicy': 'Never' }),
    of({ 'spec/template/spec/restartPolicy': 'x' }),
    of({ 'spec/template/spec/activeDeadlineSeconds': 5 }),
    of({ [`${container}/resources`]: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
    of({ [`${container}/volumeMounts`]: [{ name: 'v', mountPath: '/a' }] }),
    of({ 'spec/template/spec/ephemeralContainers': [{ name: 'e', image: 'a' }] }),
    of({ 'spec/minReadySeconds': -1 }),
    of({ 'metadata/name': 'A_' }),
    of({}, { 'spec/selector': { matchLabels: { app: 'two' } } }),
    of(
      {},
      {
        'spec/selector': { matchLabels: { app: 'two' } },
        'spec/template/metadata/labels': { app: 'two' },
      },
    ),
  ];
});

const deployments: readonly BadObject[] = [
  deployment({ 'spec/replicas': -1 }),
  deployment({ 'spec/replicas': 'x' }),
  deployment({ 'spec/revisionHistoryLimit': -1 }),
  deployment({ 'spec/progressDeadlineSeconds': -1 }),
  deployment({ 'spec/progressDeadlineSeconds': 5, 'spec/minReadySeconds': 5 }),
  deployment({ 'spec/strategy': { type: 'x' } }),
  deployment({ 'spec/strategy': { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } }),
  deployment({ 'spec/strategy': { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
  deployment({ 'spec/strategy': { rollingUpdate: { maxSurge: -1, maxUnavailable: 'x' } } }),
  deployment({ 'spec/strategy': { rollingUpdate: { maxUnavailable: '101%' } } }),
  deployment({ 'spec/strategy': { rollingUpdate: { maxSurge: '0%', maxUnavailable: '0%' } } }),
  ['replicaset', { 'spec/replicas': -1 }],
  ['replicationcontroller', { 'spec/replicas': -1 }],
  ['replicationcontroller', { 'spec/selector': { app: 'two' } }],
  ['replicationcontroller', { 'spec/selector': {}, 'spec/template/metadata': {} }],
  ['replicationcontroller', { 'spec/template': undefined }],
  ['replicationcontroller', { 'spec/template/spec/restartPolicy': 'Never' }],
  ['podtemplate', { 'template/spec/containers': [] }],
  ['podtemplate', { 'template/spec/restartPolicy': 'x' }],
  daemon({ 'spec/updateStrategy': { type: 'x' } }),
  daemon({ 'spec/updateStrategy': { rollingUpdate: { maxUnavailable: 0 } } }),
  daemon({ 'spec/updateStrategy': { rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } } }),
  daemon({ 'spec/updateStrategy': { rollingUpdate: { maxUnavailable: '101%' } } }),
  daemon({ 'spec/revisionHistoryLimit': -1 }),
  stateful({ 'spec/replicas': -1 }),
  stateful({ 'spec/serviceName': 'A_' }),
  stateful({ 'spec/podManagementPolicy': 'x' }),
  stateful({ 'spec/updateStrategy': { type: 'x' } }),
  stateful({ 'spec/updateStrategy': { type: 'OnDelete', rollingUpdate: { partition: 1 } } }),
  stateful({ 'spec/updateStrategy': { rollingUpdate: { partition: -1 } } }),
  stateful({ 'spec/ordinals': { start: -1 } }),
  stateful({ 'spec/persistentVolumeClaimRetentionPolicy': { whenDeleted: 'x', whenScaled: 'y' } }),
  stateful({ 'spec/volumeClaimTemplates': [{ metadata: { name: 'a' }, spec: {} }] }),
  stateful({ 'spec/revisionHistoryLimit': -1 }),
  stateful({ 'metadata/name': 'a.b' }),
  stateful({}, { 'spec/serviceName': 'two' }),
  stateful({}, { 'spec/podManagementPolicy': 'Parallel' }),
];

export const badWorkloads: readonly BadObject[] = [...common, ...deployments];
