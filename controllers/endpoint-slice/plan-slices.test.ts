import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planSlices } from './plan-slices.ts';
import type { SliceContent, SlicePlan } from './plan-slices.ts';
import type { Endpoint, EndpointSlice } from './types.ts';

const HTTP = [{ name: 'http', port: 80, protocol: 'TCP' }];
const OTHER = [{ name: 'http', port: 8080, protocol: 'TCP' }];

function endpoint(number: number, ready = true): Endpoint {
  return {
    addresses: [`10.0.${Math.floor(number / 250)}.${number % 250}`],
    conditions: { ready },
    targetRef: { kind: 'Pod', name: `p${number}`, uid: `uid-${number}` },
  };
}

function range(from: number, to: number): Endpoint[] {
  return Array.from({ length: to - from }, (_, index) => endpoint(from + index));
}

function slice(name: string, { ports, endpoints }: SliceContent): EndpointSlice {
  return {
    metadata: {
      name,
      namespace: 'ns',
      uid: name,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    addressType: 'IPv4',
    endpoints,
    ports,
  };
}

function plan(contents: readonly SliceContent[], slices: readonly EndpointSlice[]): SlicePlan {
  return planSlices(contents, slices, {
    maxEndpoints: 100,
    keepsEmpty: true,
    isCurrent: ({ metadata }) => metadata.labels?.['old'] === undefined,
  });
}

/** What there is once the plan is carried out. */
function carriedOut(slices: readonly EndpointSlice[], done: SlicePlan): EndpointSlice[] {
  const updated = new Map(
    done.updates.map(({ slice: { metadata }, content }) => [metadata.name, content]),
  );
  const deleted = new Set(done.deletes.map(({ metadata }) => metadata.name));
  return [
    ...slices
      .filter(({ metadata }) => !deleted.has(metadata.name))
      .map((one) => {
        const content = updated.get(one.metadata.name);
        return content === undefined ? one : slice(one.metadata.name, content);
      }),
    ...done.creates.map((content, index) => slice(`new-${slices.length}-${index}`, content)),
  ];
}

const sizes = (slices: readonly EndpointSlice[]): number[] =>
  slices.map(({ endpoints }) => endpoints?.length ?? 0);

test('a hundred endpoints to a slice, and nothing to do the next time', () => {
  const contents = [{ ports: HTTP, endpoints: range(0, 250) }];
  const made = carriedOut([], plan(contents, []));
  assert.deepEqual(sizes(made), [100, 100, 50]);
  assert.deepEqual(plan(contents, made), { creates: [], updates: [], deletes: [] });
});

test('one more goes where there is room, and touches no other slice', () => {
  const made = carriedOut([], plan([{ ports: HTTP, endpoints: range(0, 250) }], []));
  const { creates, updates, deletes } = plan([{ ports: HTTP, endpoints: range(0, 251) }], made);
  assert.deepEqual([creates.length, deletes.length, updates.length], [0, 0, 1]);
  assert.equal(updates[0]?.slice, made[2]);
});

test('what leaves makes room for what comes, in one write', () => {
  const made = carriedOut([], plan([{ ports: HTTP, endpoints: range(0, 200) }], []));
  const { creates, updates, deletes } = plan([{ ports: HTTP, endpoints: range(1, 201) }], made);
  assert.deepEqual([creates.length, deletes.length, updates.length], [0, 0, 1]);
  assert.deepEqual(updates[0]?.content.endpoints, [...range(1, 100), endpoint(200)]);
});

test('an endpoint that changes stays in its place', () => {
  const made = carriedOut([], plan([{ ports: HTTP, endpoints: range(0, 3) }], []));
  const next = [endpoint(2), endpoint(0), endpoint(1, false)];
  const { updates } = plan([{ ports: HTTP, endpoints: next }], made);
  assert.deepEqual(updates[0]?.content.endpoints, [endpoint(0), endpoint(1, false), endpoint(2)]);
});

test('an empty slice stands for no endpoints, and becomes the first that has some', () => {
  const empty = carriedOut([], plan([], []));
  assert.deepEqual(sizes(empty), [0]);
  assert.deepEqual(plan([], empty), { creates: [], updates: [], deletes: [] });
  const filled = plan([{ ports: HTTP, endpoints: range(0, 1) }], empty);
  assert.deepEqual(
    [filled.creates.length, filled.updates.length, filled.deletes.length],
    [0, 1, 0],
  );
  const emptied = plan([], carriedOut(empty, filled));
  assert.deepEqual(emptied.updates[0]?.content, { ports: [], endpoints: [] });
});

test('other ports are another slice', () => {
  const contents = [
    { ports: HTTP, endpoints: range(0, 2) },
    { ports: OTHER, endpoints: range(2, 3) },
  ];
  const made = carriedOut([], plan(contents, []));
  assert.deepEqual(sizes(made), [2, 1]);
  const { updates, deletes } = plan([{ ports: OTHER, endpoints: range(0, 3) }], made);
  assert.deepEqual(
    [
      updates.map((update) => update.slice.metadata.name),
      deletes.map(({ metadata }) => metadata.name),
    ],
    [['new-0-1'], ['new-0-0']],
  );
});

test('labels that are not as they should be are a reason to write', () => {
  const [made] = carriedOut([], plan([{ ports: HTTP, endpoints: range(0, 1) }], []));
  assert.ok(made);
  const old = { ...made, metadata: { ...made.metadata, labels: { old: '' } } };
  assert.equal(plan([{ ports: HTTP, endpoints: range(0, 1) }], [old]).updates.length, 1);
});

test('an endpoint that is in two slices is left in one', () => {
  const content = { ports: HTTP, endpoints: range(0, 1) };
  const { updates, deletes } = plan([content], [slice('a', content), slice('b', content)]);
  assert.deepEqual([updates.length, deletes.map(({ metadata }) => metadata.name)], [0, ['b']]);
});
