// Bad volumes, and mounts of them.
import type { BadObject } from './validation-case.ts';
import { bad, first, spec } from './validation-pod-forms.ts';

const volume = (source: object): BadObject => spec('volumes', [{ name: 'v', ...source }]);
const mount = (...mounts: readonly object[]): BadObject =>
  bad({ 'spec/volumes': [{ name: 'v', emptyDir: {} }], 'spec/containers/0/volumeMounts': mounts });

export const badVolumes: readonly BadObject[] = [
  spec('volumes', [{ name: '' }]),
  spec('volumes', [{ name: 'A' }]),
  spec('volumes', [{ name: 'x'.repeat(64) }]),
  spec('volumes', [
    { name: 'a', emptyDir: {} },
    { name: 'a', emptyDir: {} },
  ]),
  volume({ emptyDir: {}, hostPath: { path: '/a' } }),
  volume({ emptyDir: {}, configMap: { name: 'a' }, secret: { secretName: 'a' } }),
  volume({ emptyDir: { sizeLimit: '-1' } }),
  volume({ emptyDir: { medium: 'x' } }),
  volume({ emptyDir: { medium: 'HugePages', sizeLimit: '1Gi' } }),
  volume({ hostPath: {} }),
  volume({ hostPath: { path: '' } }),
  volume({ hostPath: { path: '/a/../b' } }),
  volume({ hostPath: { path: '/a', type: 'x' } }),
  volume({ configMap: {} }),
  volume({ configMap: { name: 'a', defaultMode: 1000 } }),
  volume({ configMap: { name: 'a', items: [{ key: '', path: '' }] } }),
  volume({ configMap: { name: 'a', items: [{ key: 'a', path: '/a' }] } }),
  volume({ configMap: { name: 'a', items: [{ key: 'a', path: '../a', mode: -1 }] } }),
  volume({ configMap: { name: 'a', items: [{ key: 'a', path: '..a' }] } }),
  volume({ secret: {} }),
  volume({ secret: { secretName: 'a', defaultMode: -1 } }),
  volume({ secret: { secretName: 'a', items: [{ key: 'a', path: 'b/../c' }] } }),
  volume({ persistentVolumeClaim: {} }),
  volume({ persistentVolumeClaim: { claimName: 'A_' } }),
  volume({ downwardAPI: { items: [{ path: '' }] } }),
  volume({ downwardAPI: { items: [{ path: 'a' }] } }),
  volume({ downwardAPI: { items: [{ path: 'a', fieldRef: { fieldPath: 'spec.nodeName' } }] } }),
  volume({ downwardAPI: { items: [{ path: 'a', resourceFieldRef: { resource: 'limits.cpu' } }] } }),
  volume({
    downwardAPI: {
      items: [
        {
          path: 'a',
          mode: 512,
          fieldRef: { fieldPath: 'metadata.name' },
          resourceFieldRef: { resource: 'limits.cpu', containerName: 'a' },
        },
      ],
    },
  }),
  volume({ projected: {} }),
  volume({ projected: { sources: [{}] } }),
  volume({ projected: { sources: [{ secret: {} }] } }),
  volume({ projected: { sources: [{ configMap: { name: 'a' }, secret: { name: 'a' } }] } }),
  volume({ projected: { sources: [{ serviceAccountToken: { path: '' } }] } }),
  volume({
    projected: { sources: [{ serviceAccountToken: { path: 'a', expirationSeconds: 5 } }] },
  }),
  volume({
    projected: {
      sources: [
        { secret: { name: 'a', items: [{ key: 'a', path: 'p' }] } },
        { configMap: { name: 'b', items: [{ key: 'a', path: 'p' }] } },
      ],
    },
  }),
  volume({ projected: { defaultMode: 512, sources: [{ secret: { name: 'a' } }] } }),
  volume({ projected: { sources: [{ clusterTrustBundle: { path: 'a' } }] } }),
  volume({ nfs: {} }),
  volume({ nfs: { server: 'a', path: 'b' } }),
  volume({ csi: {} }),
  volume({ csi: { driver: 'A b' } }),
  volume({ csi: { driver: 'a', nodePublishSecretRef: { name: '' } } }),
  volume({ ephemeral: {} }),
  volume({ ephemeral: { volumeClaimTemplate: { spec: {} } } }),
  volume({
    ephemeral: { volumeClaimTemplate: { metadata: { name: 'a' }, spec: { accessModes: [] } } },
  }),
  volume({ gitRepo: { repository: '' } }),
  volume({ gitRepo: { repository: 'a', directory: '/a' } }),
  volume({ iscsi: { targetPortal: '', iqn: '', lun: 1 } }),
  volume({ image: { reference: '' } }),
  volume({ image: { reference: ' a', pullPolicy: 'x' } }),
  volume({ rbd: { monitors: [], image: '' } }),
  volume({ fc: {} }),
  mount({ name: 'w', mountPath: '/a' }),
  mount({ name: '', mountPath: '' }),
  mount({ name: 'v' }),
  mount({ name: 'v', mountPath: '/a' }, { name: 'v', mountPath: '/a' }),
  mount({ name: 'v', mountPath: '/a:b' }),
  mount({ name: 'v', mountPath: '/a', subPath: '/b' }),
  mount({ name: 'v', mountPath: '/a', subPath: '../b' }),
  mount({ name: 'v', mountPath: '/a', subPath: 'a', subPathExpr: 'b' }),
  mount({ name: 'v', mountPath: '/a', subPathExpr: '/b' }),
  mount({ name: 'v', mountPath: '/a', mountPropagation: 'x' }),
  mount({ name: 'v', mountPath: '/a', mountPropagation: 'Bidirectional' }),
  mount({ name: 'v', mountPath: '/a', recursiveReadOnly: 'Enabled' }),
  mount({ name: 'v', mountPath: '/a', recursiveReadOnly: 'x', readOnly: true }),
  first('volumeDevices', [{ name: 'v', devicePath: '/dev/a' }]),
  bad({
    'spec/volumes': [{ name: 'v', emptyDir: {} }],
    'spec/containers/0/volumeDevices': [{ name: 'v', devicePath: '/dev/a' }],
  }),
  bad({
    'spec/volumes': [{ name: 'v', persistentVolumeClaim: { claimName: 'a' } }],
    'spec/containers/0/volumeDevices': [{ name: 'v', devicePath: '' }],
    'spec/containers/0/volumeMounts': [{ name: 'v', mountPath: '/a' }],
  }),
  bad({
    'spec/volumes': [{ name: 'v', persistentVolumeClaim: { claimName: 'a' } }],
    'spec/containers/0/volumeDevices': [
      { name: 'v', devicePath: 'a/../b' },
      { name: 'v', devicePath: 'a/../b' },
    ],
  }),
];
