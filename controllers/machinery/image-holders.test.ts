import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NodeImages, PullPolicy } from './digest-resolver.ts';
import { findLocally, nodeImagesOf } from './image-holders.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;
const IMAGE = 'docker.io/library/nginx:1';

function node(name: string, names: readonly string[], runtime = 'docker://20.10'): NodeImages {
  return nodeImagesOf({
    metadata: { name },
    status: {
      images: [{ names: ['other:1', `other@${B}`] }, { names }],
      nodeInfo: { containerRuntimeVersion: runtime },
    },
  });
}
const pulled = (name: string, digest: string): NodeImages =>
  node(name, [`nginx@${digest}`, 'nginx:1']);
const built = (name: string): NodeImages => node(name, ['nginx:1']);

for (const { title, policy, nodes, digest, ask = false, reason } of [
  { title: 'Always asks', policy: 'Always', nodes: [pulled('m1', A)], ask: true },
  { title: 'nowhere: asks', policy: 'IfNotPresent', nodes: [node('m1', [])], ask: true },
  { title: 'no nodes: asks', policy: 'IfNotPresent', nodes: [], ask: true },
  {
    title: 'on one',
    policy: 'IfNotPresent',
    nodes: [pulled('m1', A), node('m2', [])],
    digest: A,
    reason: /machine m1 has it/,
  },
  {
    title: 'other names of it',
    policy: 'IfNotPresent',
    nodes: [node('m1', ['docker.io/library/nginx:1', `docker.io/library/nginx@${A}`])],
    digest: A,
  },
  {
    title: 'they differ: asks, most as fallback',
    policy: 'IfNotPresent',
    nodes: [pulled('m1', A), pulled('m2', B), pulled('m3', B)],
    digest: B,
    ask: true,
    reason: /2 of 3 machines .* m2/,
  },
  {
    title: 'they differ, Never: most',
    policy: 'Never',
    nodes: [pulled('m1', B), pulled('m2', A)],
    digest: A,
  },
  {
    title: 'built there',
    policy: 'IfNotPresent',
    nodes: [pulled('m1', A), built('m2')],
    reason: /machine m2 .* never pulled/,
  },
  { title: 'built there, Never', policy: 'Never', nodes: [built('m2')], reason: /never pulled/ },
  {
    title: 'nowhere, Never',
    policy: 'Never',
    nodes: [node('m1', [`nginx@${A}`])],
    reason: /no machine has it .* windlass image push/,
  },
  {
    title: 'a digest of another repository',
    policy: 'Never',
    nodes: [node('m1', ['nginx:1', `acme/nginx@${A}`])],
    reason: /never pulled/,
  },
  {
    title: 'processes only',
    policy: 'Always',
    nodes: [node('m1', [], 'process://1')],
    reason: /no machine runs containers/,
  },
  {
    title: 'processes and containers',
    policy: 'Always',
    nodes: [node('m1', [], 'process://1'), node('m2', [])],
    ask: true,
  },
] satisfies readonly {
  title: string;
  policy: PullPolicy;
  nodes: NodeImages[];
  digest?: string;
  ask?: boolean;
  reason?: RegExp;
}[]) {
  test(`findLocally(): ${title}`, () => {
    const finding = findLocally({ image: IMAGE, policy }, nodes);
    assert.equal(finding.ask, ask);
    const answer = finding.ask ? finding.fallback : finding.answer;
    assert.equal(answer?.digest, digest);
    if (reason !== undefined) assert.match(answer?.reason ?? '', reason);
    assert.equal(answer?.isMissing ?? false, title === 'nowhere, Never');
  });
}

test('the order in which machines are listed decides no digest', () => {
  const machine = fc.record({
    name: fc.constantFrom('m1', 'm2', 'm3', 'm4'),
    digest: fc.constantFrom(A, B, undefined),
  });
  fc.assert(
    fc.property(fc.uniqueArray(machine, { selector: ({ name }) => name }), (machines) => {
      const nodes = machines.map(({ name, digest }) =>
        digest === undefined ? node(name, []) : pulled(name, digest),
      );
      const digestOf = (list: readonly NodeImages[]): string | undefined => {
        const finding = findLocally({ image: IMAGE, policy: 'Never' }, list);
        return finding.ask ? undefined : finding.answer.digest;
      };
      assert.equal(digestOf(nodes), digestOf(nodes.toReversed()));
    }),
  );
});
