// Bad Pods: their metadata, what they say beside containers and volumes, and how they may not change.
import type { BadObject, Changes } from './validation-case.ts';
import { badContainers } from './validation-containers.ts';
import { bad, first, spec } from './validation-pod-forms.ts';
import { badVolumes } from './validation-volumes.ts';

const security = (value: object): BadObject => first('securityContext', value);
const podSecurity = (value: object): BadObject => spec('securityContext', value);
const affinity = (value: object): BadObject => spec('affinity', value);
const nodeTerms = (...terms: readonly object[]): BadObject =>
  affinity({
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
  });
const updated = (update: Changes, changes: Changes = {}): BadObject => bad(changes, update);

const long = 'x'.repeat(64);
const gated = { 'spec/schedulingGates': [{ name: 'example.com/a' }] };

const names: readonly BadObject[] = [
  bad({ 'metadata/name': 'A' }),
  bad({ 'metadata/name': undefined }),
  bad({ 'metadata/name': 'x'.repeat(254) }),
  bad({ 'metadata/labels': { 'a b': '1' } }),
  bad({ 'metadata/labels': { a: 'b c', '/x': long } }),
  bad({ 'metadata/labels': { [`${long}/x`]: '1', [`a/${long}`]: '1' } }),
  bad({ 'metadata/annotations': { 'a b': '1' } }),
  bad({ 'metadata/annotations': { a: 'x'.repeat(262_145) } }),
  bad({ 'metadata/annotations': { 'A/B': '1', 'a/b/c': '1' } }),
  bad({ 'metadata/finalizers': ['a'] }),
  bad({ 'metadata/finalizers': ['a b', 'example.com/a'] }),
  bad({ 'metadata/finalizers': ['foregroundDeletion', 'orphan'] }),
  bad({ 'metadata/ownerReferences': [{ apiVersion: 'v1', kind: 'Pod', name: 'a' }] }),
  bad({ 'metadata/ownerReferences': [{ apiVersion: 'a/b/c', kind: '', name: '', uid: '1' }] }),
  bad({ 'metadata/ownerReferences': [{ apiVersion: 'v1', kind: 'Event', name: 'a', uid: '1' }] }),
  bad({
    'metadata/ownerReferences': [
      { apiVersion: 'v1', kind: 'Pod', name: 'a', uid: '1', controller: true },
      { apiVersion: 'v1', kind: 'Pod', name: 'b', uid: '2', controller: true },
    ],
  }),
  bad({ 'metadata/namespace': 'other' }),
  bad({ 'metadata/annotations': { 'seccomp.security.alpha.kubernetes.io/pod': 'x' } }),
  bad({ 'metadata/annotations': { 'container.apparmor.security.beta.kubernetes.io/z': 'x' } }),
  bad({ 'metadata/annotations': { 'container.apparmor.security.beta.kubernetes.io/a': 'x' } }),
  bad({ 'metadata/annotations': { 'controller.kubernetes.io/pod-deletion-cost': '01' } }),
  bad({ 'metadata/annotations': { 'kubernetes.io/config.mirror': 'x' } }),
];
const specCases: readonly BadObject[] = [
  spec('restartPolicy', 'x'),
  spec('restartPolicy', ''),
  spec('dnsPolicy', 'x'),
  spec('dnsPolicy', 'None'),
  spec('dnsConfig', { nameservers: ['x', '1.1.1.1', '1.1.1.2', '1.1.1.3'] }),
  spec('dnsConfig', { searches: ['A b', 'x'.repeat(254)], options: [{ name: '' }] }),
  spec('terminationGracePeriodSeconds', -1),
  spec('activeDeadlineSeconds', 0),
  spec('activeDeadlineSeconds', 2 ** 31),
  spec('serviceAccountName', 'A_'),
  spec('serviceAccountName', 'absent'),
  spec('nodeName', 'A_'),
  spec('nodeSelector', { 'a b': 'c' }),
  spec('nodeSelector', { a: 'b c' }),
  spec('hostname', 'A_'),
  spec('hostname', 'x'.repeat(64)),
  spec('subdomain', 'A.b'),
  spec('setHostnameAsFQDN', 'x'),
  spec('imagePullSecrets', [{ name: '' }]),
  spec('imagePullSecrets', [{}]),
  spec('hostAliases', [{ ip: 'x', hostnames: ['A_'] }]),
  spec('hostAliases', [{ hostnames: [] }]),
  spec('priorityClassName', 'A_'),
  spec('priorityClassName', 'absent'),
  spec('runtimeClassName', 'A_'),
  spec('preemptionPolicy', 'x'),
  spec('tolerations', [{ operator: 'x' }]),
  spec('tolerations', [{ key: '' }]),
  spec('tolerations', [{ key: 'a b', operator: 'Exists', value: 'x' }]),
  spec('tolerations', [{ key: 'a', effect: 'x' }]),
  spec('tolerations', [{ key: 'a', value: 'b c' }]),
  spec('tolerations', [{ key: 'a', effect: 'NoSchedule', tolerationSeconds: 1 }]),
  spec('readinessGates', [{ conditionType: '' }]),
  spec('readinessGates', [{ conditionType: 'a b' }]),
  spec('schedulingGates', [{ name: '' }]),
  spec('schedulingGates', [{ name: 'a b' }]),
  spec('schedulingGates', [{ name: 'example.com/a' }, { name: 'example.com/a' }]),
  bad({ ...gated, 'spec/nodeName': 'a' }),
  spec('topologySpreadConstraints', [{}]),
  spec('topologySpreadConstraints', [{ maxSkew: 0, topologyKey: '', whenUnsatisfiable: '' }]),
  spec('topologySpreadConstraints', [{ maxSkew: 1, topologyKey: 'a b', whenUnsatisfiable: 'x' }]),
  spec('topologySpreadConstraints', [
    { maxSkew: 1, topologyKey: 'a', whenUnsatisfiable: 'ScheduleAnyway', minDomains: 1 },
  ]),
  spec('topologySpreadConstraints', [
    { maxSkew: 1, topologyKey: 'a', whenUnsatisfiable: 'DoNotSchedule', minDomains: 0 },
  ]),
  spec('topologySpreadConstraints', [
    { maxSkew: 1, topologyKey: 'a', whenUnsatisfiable: 'DoNotSchedule' },
    { maxSkew: 1, topologyKey: 'a', whenUnsatisfiable: 'DoNotSchedule' },
  ]),
  spec('topologySpreadConstraints', [
    {
      maxSkew: 1,
      topologyKey: 'a',
      whenUnsatisfiable: 'DoNotSchedule',
      nodeAffinityPolicy: 'x',
      nodeTaintsPolicy: 'y',
      matchLabelKeys: ['a'],
    },
  ]),
  spec('resourceClaims', [{ name: '' }]),
  spec('resourceClaims', [{ name: 'a' }]),
  spec('resourceClaims', [{ name: 'a', resourceClaimName: 'A_', resourceClaimTemplateName: 'b' }]),
  spec('os', { name: '' }),
  spec('os', { name: 'x' }),
  bad({ 'spec/os': { name: 'windows' }, 'spec/hostPID': true, 'spec/securityContext/fsGroup': 1 }),
  bad({
    'spec/os': { name: 'linux' },
    'spec/securityContext/windowsOptions': { runAsUserName: 'a' },
  }),
  bad({ 'spec/hostPID': true, 'spec/shareProcessNamespace': true }),
  bad({ 'spec/hostUsers': false, 'spec/hostNetwork': true }),
  nodeTerms(),
  nodeTerms({}),
  nodeTerms({ matchExpressions: [{ key: '', operator: 'In' }] }),
  nodeTerms({ matchExpressions: [{ key: 'a', operator: 'In' }] }),
  nodeTerms({ matchExpressions: [{ key: 'a', operator: 'Exists', values: ['a'] }] }),
  nodeTerms({ matchExpressions: [{ key: 'a', operator: 'Gt', values: ['a', 'b'] }] }),
  nodeTerms({ matchExpressions: [{ key: 'a b', operator: 'x', values: ['a'] }] }),
  nodeTerms({ matchFields: [{ key: 'metadata.nope', operator: 'In', values: ['a'] }] }),
  nodeTerms({ matchFields: [{ key: 'metadata.name', operator: 'Exists' }] }),
  affinity({
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 0, preference: {} }],
    },
  }),
  affinity({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{}] } }),
  affinity({
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        {
          topologyKey: 'a b',
          namespaces: ['A_'],
          labelSelector: { matchExpressions: [{ key: 'a', operator: 'x' }] },
        },
      ],
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 101, podAffinityTerm: { topologyKey: '' } },
      ],
    },
  }),
  security({ privileged: true, allowPrivilegeEscalation: false }),
  security({ capabilities: { add: ['SYS_ADMIN'] }, allowPrivilegeEscalation: false }),
  security({ runAsUser: -1 }),
  security({ runAsGroup: 2 ** 31 }),
  security({ procMount: 'x' }),
  security({ procMount: 'Unmasked' }),
  security({ seccompProfile: { type: 'x' } }),
  security({ seccompProfile: { type: 'Localhost' } }),
  security({ seccompProfile: { type: 'RuntimeDefault', localhostProfile: 'a' } }),
  security({ seccompProfile: { type: 'Localhost', localhostProfile: '/a' } }),
  security({ appArmorProfile: { type: 'x' } }),
  security({ appArmorProfile: { type: 'Localhost' } }),
  security({ windowsOptions: { gmsaCredentialSpecName: 'A_', hostProcess: true } }),
  security({ windowsOptions: { runAsUserName: '' } }),
  podSecurity({ runAsUser: -1, runAsGroup: -1, fsGroup: -1, supplementalGroups: [-1] }),
  podSecurity({ fsGroupChangePolicy: 'x' }),
  podSecurity({ supplementalGroupsPolicy: 'x' }),
  podSecurity({ seccompProfile: { type: '' } }),
  podSecurity({ sysctls: [{ name: 'a b', value: '1' }] }),
  podSecurity({ sysctls: [{ name: '', value: '1' }] }),
  podSecurity({
    sysctls: [
      { name: 'net.a', value: '1' },
      { name: 'net/a', value: '1' },
    ],
  }),
  bad({
    'spec/hostNetwork': true,
    'spec/securityContext/sysctls': [{ name: 'net.ipv4.a', value: '1' }],
  }),
];

const updates: readonly BadObject[] = [
  updated({ 'spec/nodeName': 'a' }),
  updated({ 'spec/containers/0/image': '' }),
  updated({ 'spec/containers/0/image': ' x' }),
  updated({ 'spec/containers/1': { name: 'b', image: 'a' } }),
  updated({ 'spec/containers/0/name': 'z' }),
  updated({ 'spec/activeDeadlineSeconds': 0 }),
  updated({ 'spec/activeDeadlineSeconds': 20 }, { 'spec/activeDeadlineSeconds': 10 }),
  updated({ 'spec/activeDeadlineSeconds': undefined }, { 'spec/activeDeadlineSeconds': 10 }),
  updated({ 'spec/tolerations': [] }, { 'spec/tolerations': [{ key: 'a', operator: 'Exists' }] }),
  updated(
    { 'spec/tolerations': [{ key: 'b', operator: 'Exists' }] },
    { 'spec/tolerations': [{ key: 'a', operator: 'Exists' }] },
  ),
  updated({ ...gated }),
  updated({ 'spec/schedulingGates': [{ name: 'example.com/b' }] }, gated),
  updated({ 'metadata/uid': '1' }),
  updated({ 'metadata/labels': { 'a b': 'c' } }),
  updated({ 'metadata/resourceVersion': '1' }),
  updated({ 'metadata/resourceVersion': 'x' }),
  updated({ 'metadata/creationTimestamp': '2020-01-01T00:00:00Z' }),
  updated({ 'metadata/name': 'two' }),
  updated({ 'spec/ephemeralContainers': [{ name: 'e', image: 'a' }] }),
  updated({ 'spec/terminationGracePeriodSeconds': 5 }),
  updated({ 'spec/nodeSelector': { a: 'b' } }, gated),
  updated({ 'spec/nodeSelector': { a: 'c' } }, { ...gated, 'spec/nodeSelector': { a: 'b' } }),
  updated({ 'spec/containers/0/resources': { limits: { cpu: '1' } } }),
  updated({ 'metadata/annotations': { 'kubernetes.io/config.mirror': 'x' } }),
];

export const badPods: readonly BadObject[] = [
  ...names,
  ...badContainers,
  ...badVolumes,
  ...specCases,
  ...updates,
];
