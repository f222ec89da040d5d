import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Claim } from '#controllers/machinery/claim-place.ts';
import type { Pod } from '#controllers/service/instance.ts';
import { isKeptOn } from './node-content.ts';

const meta = { uid: 'u', resourceVersion: '1', creationTimestamp: '' };

function claim(node: string | undefined, volumeName?: string, namespace = 'default'): Claim {
  const annotations = node === undefined ? {} : { 'volume.kubernetes.io/selected-node': node };
  const spec = volumeName === undefined ? {} : { spec: { volumeName } };
  return { metadata: { ...meta, name: 'data', namespace, annotations }, ...spec };
}

const user: Pod = {
  metadata: { ...meta, name: 'db', namespace: 'default' },
  spec: {
    nodeName: 'n1',
    containers: [],
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
  },
};

for (const { title, of, pods, expected } of [
  { title: 'that names the node', of: claim('n1'), pods: [], expected: true },
  { title: 'that names another, whoever uses it', of: claim('n2'), pods: [user], expected: false },
  { title: 'without a node, in use there', of: claim(undefined), pods: [user], expected: true },
  { title: 'without a node, in use nowhere', of: claim(undefined), pods: [], expected: false },
  {
    title: 'without a node, of another namespace',
    of: claim(undefined, undefined, 'other'),
    pods: [user],
    expected: false,
  },
  { title: 'of no node', of: claim(undefined, 'pv-1'), pods: [user], expected: false },
]) {
  test(`isKeptOn() with a claim ${title}: ${expected}`, () => {
    assert.equal(isKeptOn('n1', of, pods), expected);
  });
}
