import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sizeText } from './size-text.ts';
import { targetNodes } from './target-nodes.ts';
import type { TargetNode } from './target-nodes.ts';

function node(name: string, runtime: string, ready = 'True'): TargetNode {
  return {
    metadata: { name },
    status: {
      nodeInfo: { containerRuntimeVersion: runtime },
      conditions: [{ type: 'Ready', status: ready }],
    },
  };
}

const nodes = [
  node('m1', 'docker://28'),
  node('m2', 'docker://28', 'Unknown'),
  node('m3', 'process://1'),
];

test('targetNodes() takes all that run containers, and says why not the others', () => {
  assert.deepEqual(targetNodes(nodes, []), {
    names: ['m1'],
    skipped: [
      { name: 'm2', why: 'it is not ready' },
      {
        name: 'm3',
        why: 'its runtime is process, which keeps no images (its agent runs without --runtime docker)',
      },
    ],
  });
});

for (const { asked, among, message } of [
  { asked: ['m9'], among: nodes, message: /there is no machine m9/ },
  { asked: ['m1', 'm2'], among: nodes, message: /m2 takes no images: it is not ready/ },
  { asked: ['m3'], among: nodes, message: /m3 takes no images: its runtime is process/ },
  { asked: [], among: [], message: /no machine to push to/ },
  {
    asked: [],
    among: nodes.slice(1),
    message: /no machine takes images: m2: it is not ready; m3: /,
  },
]) {
  test(`targetNodes() of ${among.length} nodes, asked for ${asked.join(', ') || 'none'}: ${message.source}`, () => {
    assert.throws(() => targetNodes(among, asked), message);
  });
}

test('targetNodes() goes to a machine that is named twice once', () => {
  assert.deepEqual(targetNodes(nodes, ['m1', 'm1']).names, ['m1']);
});

test('sizeText() is short', () => {
  const sizes = [0, 999, 1000, 1_234_567, 999_960, 5e12, 5e15];
  assert.deepEqual(sizes.map(sizeText), [
    '0 B',
    '999 B',
    '1.0 kB',
    '1.2 MB',
    '1.0 MB',
    '5.0 TB',
    '5000.0 TB',
  ]);
});
