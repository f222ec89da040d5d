import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedParts, rollbackPatch, rollbackTarget } from './revisions.ts';
import type { History, Revision } from './revisions.ts';

const base = { uid: 'u', resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z' };

function revision(number: number, spec: Readonly<Record<string, unknown>>): Revision {
  return {
    metadata: {
      ...base,
      name: `web-x${number}`,
      labels: { 'windlass.dev/revision': `x${number}` },
    },
    revision: number,
    data: { spec },
  };
}

function history(current: number, ...revisions: readonly Revision[]): History {
  return {
    service: {
      metadata: { ...base, name: 'web' },
      spec: { replicas: 3, template: { metadata: { labels: { new: 'x' } }, spec: { a: 2, b: 1 } } },
      status: { updateRevision: `x${current}` },
    },
    revisions,
  };
}

const one = revision(1, { template: { metadata: {}, spec: { a: 1 } } });
const two = revision(2, { template: { spec: { a: 2 } } });
const three = revision(3, { template: { spec: { a: 3 } } });

test('rollbackTarget() takes the newest that is not running, or the one asked for', () => {
  assert.equal(rollbackTarget(history(3, one, two, three), undefined), two);
  assert.equal(rollbackTarget(history(1, one, two, three), undefined), three);
  assert.equal(rollbackTarget(history(3, one, two, three), 1), one);
});

test('rollbackTarget() says what there is when it cannot', () => {
  assert.throws(() => rollbackTarget(history(3, one, three), 2), /no revision 2: it has 1, 3/);
  assert.throws(() => rollbackTarget(history(3, three), 3), /revision 3 is what .* runs already/);
  assert.throws(() => rollbackTarget(history(3, three), undefined), /no earlier revision/);
  assert.throws(() => rollbackTarget(history(3), undefined), /it has none/);
});

test('rollbackPatch() takes away what the newer template added and leaves the replicas', () => {
  assert.deepEqual(rollbackPatch(history(2, one, two), one), {
    spec: { template: { metadata: { labels: null }, spec: { a: 1, b: null } } },
  });
});

test('rollbackPatch() brings back volumes, files and engine too, and removes those that were not', () => {
  const template = { spec: { a: 2 } };
  const old = revision(1, { template, configs: [{ name: 'a' }], engine: { init: true } });
  const newer = revision(2, { template, volumes: [{ name: 'v' }], configs: [{ name: 'b' }] });
  const before = history(2, old, newer);
  const spec = {
    template,
    volumes: [{ name: 'v' }],
    configs: [{ name: 'b' }],
    // No revision remembers it.
    secrets: [{ name: 's' }],
  };
  const { spec: patch } = rollbackPatch({ ...before, service: { ...before.service, spec } }, old);
  assert.deepEqual(patch, {
    template: { spec: { a: 2 } },
    configs: [{ name: 'a' }],
    engine: { init: true },
    volumes: null,
  });
});

test('changedParts() names what a revision changed', () => {
  const template = { spec: { a: 1 } };
  const old = revision(1, { template, configs: [{ name: 'a' }] });
  assert.deepEqual(changedParts(old, undefined), []);
  const other = revision(2, { template, configs: [{ name: 'b' }], engine: { init: true } });
  assert.deepEqual(changedParts(other, old), ['configs', 'engine']);
});
