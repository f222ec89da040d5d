import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '#controllers/service/types.ts';
import { abortNote, promotionNote } from './rollout-notes.ts';

function service(status: Service['status'] & object, generation = 3): Service {
  return {
    metadata: { name: 'web', generation, uid: '', resourceVersion: '', creationTimestamp: '' },
    spec: { template: { spec: { containers: [] } } },
    status: { observedGeneration: 3, updateRevision: 'new', currentRevision: 'old', ...status },
  };
}

test('promotionNote() names the revision and the step, or the revision alone', () => {
  const waits = service({ awaitsPromotion: true, step: 1 });
  assert.deepEqual(promotionNote(waits, false).annotations, { 'windlass.dev/promote': 'new/2' });
  assert.deepEqual(promotionNote(waits, true).annotations, { 'windlass.dev/promote': 'new' });
  const first = service({ awaitsPromotion: true });
  assert.deepEqual(promotionNote(first, false).annotations, { 'windlass.dev/promote': 'new/1' });
  const green = {
    ...first,
    spec: { ...first.spec, updateStrategy: { type: 'BlueGreen' as const } },
  };
  assert.equal(promotionNote(green, false).done, 'is promoted: its rollout goes on to the end');
});

test('promotionNote() refuses what does not wait', () => {
  assert.throws(() => promotionNote(service({}), true), /web does not wait to be promoted/);
  assert.throws(() => promotionNote(service({ awaitsPromotion: false }), false), /does not wait/);
  const stale = service({ awaitsPromotion: true }, 4);
  assert.throws(() => promotionNote(stale, false), /not seen the newest change/);
});

test('abortNote() names the revision that is given up', () => {
  assert.deepEqual(abortNote(service({})).annotations, { 'windlass.dev/abort': 'new' });
  const waits = service({ awaitsPromotion: true });
  assert.match(abortNote(waits).done, /gives revision new up and goes back to old/);
});

test('abortNote() refuses when nothing is under way, has failed, or was never anything else', () => {
  const done = service({ currentRevision: 'new' });
  assert.throws(() => abortNote(done), /no rollout of service web is under way/);
  const condition = { type: 'Progressing', status: 'False' as const, reason: 'X', message: '' };
  const failed = service({ conditions: [{ ...condition, lastTransitionTime: '' }] });
  assert.throws(() => abortNote(failed), /has failed: there is nothing left to abort/);
  assert.throws(() => abortNote(service({}, 4)), /not seen the newest change/);
  const { currentRevision: _, ...status } = service({}).status ?? {};
  assert.throws(() => abortNote({ ...service({}), status }), /no revision before this one/);
});
