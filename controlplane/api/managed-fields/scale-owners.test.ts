// The owners of a count, as a Scale shows them and gives them back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ManagedFieldsEntry } from './entry.ts';
import { setOf } from './field-set.ts';
import { countPath, ownersAfterScale, ownersOfScale } from './scale-owners.ts';

const V1 = 'example.com/v1';
const COUNT = countPath('.spec.size');
const pathOf = (apiVersion: string): readonly string[] | undefined =>
  apiVersion === V1 ? COUNT : undefined;

function entry(manager: string, changes: Partial<ManagedFieldsEntry> = {}): ManagedFieldsEntry {
  return {
    manager,
    operation: 'Update',
    apiVersion: V1,
    time: '2026-11-21T00:00:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1: setOf(COUNT),
    ...changes,
  };
}

const inScale = { apiVersion: 'autoscaling/v1', fieldsV1: setOf(['f:spec', 'f:replicas']) };
const other = setOf(['f:spec', 'f:image']);

test('a Scale has the owners of the count and no others', () => {
  const entries = [
    entry('one'),
    entry('two', { fieldsV1: other }),
    entry('old', { apiVersion: 'v0' }),
  ];
  assert.deepEqual(ownersOfScale(entries, pathOf), [entry('one', inScale)]);
});

test('whoever scales takes the count and nothing else', () => {
  const both = setOf(COUNT, ['f:spec', 'f:image']);
  const scaler = { ...inScale, subresource: 'scale' };
  assert.deepEqual(
    ownersAfterScale([entry('one', { fieldsV1: both })], [entry('two', scaler)], V1, pathOf),
    [entry('one', { fieldsV1: other }), entry('two', { subresource: 'scale' })],
  );
  // An owner of nothing else is gone.
  assert.deepEqual(ownersAfterScale([entry('one')], [entry('two', scaler)], V1, pathOf), [
    entry('two', { subresource: 'scale' }),
  ]);
});

test('whoever still owns the count in the Scale keeps an entry as it was', () => {
  const entries = [entry('one', { fieldsV1: setOf(COUNT, ['f:spec', 'f:image']) })];
  assert.deepEqual(ownersAfterScale(entries, ownersOfScale(entries, pathOf), V1, pathOf), entries);
});
