import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1PodSpec } from '@kubernetes/client-node';
import { ONE } from '../machinery/quantity.ts';
import { requestsOf } from '../machinery/pod-requests.ts';
import type { KeptClaim } from './pod-claims.ts';
import { schedule } from './schedule.ts';
import type { Candidate } from './schedule.ts';

function pod(requests: Record<string, string> = {}, change: Partial<V1PodSpec> = {}): V1PodSpec {
  return { containers: [{ name: 'c', resources: { requests } }], ...change };
}

function on(hostPort: number, hostIP?: string): V1PodSpec {
  const port = { containerPort: 80, hostPort, ...(hostIP === undefined ? {} : { hostIP }) };
  return { containers: [{ name: 'c', ports: [port] }] };
}

function candidate(
  name: string,
  pods: readonly V1PodSpec[] = [],
  allocatable: Record<string, string> = { cpu: '2', memory: '1Gi', pods: '3' },
  change: object = {},
): Candidate {
  const status = { allocatable, conditions: [{ type: 'Ready', status: 'True' }] };
  return { node: { metadata: { name }, status, ...change }, pods: () => pods };
}

const cases: readonly {
  readonly name: string;
  readonly pod: V1PodSpec;
  readonly candidates: readonly Candidate[];
  readonly claims?: readonly KeptClaim[];
  readonly expected: string;
}[] = [
  {
    name: 'the node with the fewest Pods',
    pod: pod(),
    candidates: [candidate('a', [pod()]), candidate('b')],
    expected: 'b',
  },
  {
    name: 'the first by name among equals, in whatever order they come',
    pod: pod(),
    candidates: [candidate('b'), candidate('a')],
    expected: 'a',
  },
  {
    name: 'no node when none is there',
    pod: pod(),
    candidates: [],
    expected: '0/0 nodes are available: no node has joined yet.',
  },
  {
    name: 'no node, with the reason of each',
    pod: pod({ cpu: '1500m', 'example.org/gpu': '1' }),
    candidates: [
      candidate('a', [], {}, { spec: { unschedulable: true } }),
      candidate('b', [pod({ cpu: '600m' })], { cpu: '2', 'example.org/gpu': '1' }),
      candidate('c', [], { cpu: '2' }),
      candidate('d', [pod(), pod(), pod()]),
    ],
    expected:
      '0/4 nodes are available: a is cordoned (unschedulable); b has too little cpu left; c has too little example.org/gpu left; d runs 3 pods already and may run 3.',
  },
  {
    name: 'the node that it just fits on',
    pod: pod({ cpu: '500m', memory: '512Mi' }),
    candidates: [candidate('a', [pod({ cpu: '1500m', memory: '512Mi' })])],
    expected: 'a',
  },
  {
    name: 'no node whose host port is taken',
    pod: on(80, '10.0.0.1'),
    candidates: [candidate('a', [on(80)]), candidate('b', [on(80, '0.0.0.0')])],
    expected:
      '0/2 nodes are available: a has host port 80/TCP taken; b has host port 80/TCP taken.',
  },
  {
    name: 'a node whose host port is taken at another address',
    pod: on(80, '10.0.0.1'),
    candidates: [candidate('a', [on(80, '10.0.0.2')])],
    expected: 'a',
  },
  {
    name: 'the node that has its volume, however many Pods are there',
    pod: pod(),
    candidates: [candidate('a'), candidate('b', [pod()])],
    claims: [{ name: 'data', node: 'b' }],
    expected: 'b',
  },
  {
    name: 'no node when the one with its volume does not take it',
    pod: pod(),
    candidates: [
      candidate('m1', [], {}, { spec: { unschedulable: true } }),
      candidate('m2'),
      candidate('m3'),
    ],
    claims: [{ name: 'data', node: 'm1' }],
    expected:
      '0/3 nodes are available: m1 is cordoned (unschedulable); m2 has not volume data, which is on m1; m3 has not volume data, which is on m1.',
  },
  {
    name: 'no node when its volumes are on two',
    pod: pod(),
    candidates: [candidate('a'), candidate('b')],
    claims: [
      { name: 'one', node: 'a' },
      { name: 'two', node: 'b' },
    ],
    expected:
      '0/2 nodes are available: a has not volume two, which is on b; b has not volume one, which is on a.',
  },
  {
    name: 'no node, with ten reasons at most',
    pod: pod({ cpu: '9' }),
    candidates: Array.from({ length: 12 }, (_, index) => candidate(`n${10 + index}`)),
    expected: `0/12 nodes are available: ${Array.from({ length: 10 }, (_, index) => `n${10 + index} has too little cpu left`).join('; ')}; and 2 more.`,
  },
];

for (const { name, pod: wanted, candidates, claims = [], expected } of cases) {
  test(`schedule() finds ${name}`, () => {
    const decision = schedule(wanted, candidates, claims);
    assert.equal('message' in decision ? decision.message : decision.node, expected);
  });
}

test('requestsOf() adds containers, takes the largest init container, and counts limits as requests', () => {
  const total = requestsOf({
    containers: [
      { name: 'a', resources: { requests: { cpu: '100m' }, limits: { cpu: '1', memory: '1k' } } },
      { name: 'b', resources: { requests: { cpu: '200m' } } },
    ],
    initContainers: [
      { name: 'i', resources: { requests: { cpu: '250m', memory: '3k' } } },
      { name: 's', restartPolicy: 'Always', resources: { requests: { cpu: '50m' } } },
    ],
    overhead: { cpu: '10m' },
  });
  assert.equal(total.get('cpu'), (ONE * 360n) / 1_000n);
  assert.equal(total.get('memory'), 3_000n * ONE);
});
