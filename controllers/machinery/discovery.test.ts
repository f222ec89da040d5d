import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discover } from './discovery.ts';

const resource = (name: string, kind: string, verbs = ['list']): object => ({
  name,
  kind,
  namespaced: true,
  verbs,
});
const version = (group: string, name: string): object => ({
  groupVersion: `${group}/${name}`,
  version: name,
});

const answers: Readonly<Record<string, unknown>> = {
  '/apis': {
    groups: [
      {
        name: 'x.dev',
        versions: [version('x.dev', 'v2'), version('x.dev', 'v1')],
        preferredVersion: { version: 'v2' },
      },
      { name: 'broken.dev', versions: [version('broken.dev', 'v1')] },
    ],
  },
  '/api/v1': { resources: [resource('pods', 'Pod'), resource('pods/status', 'Pod')] },
  '/apis/x.dev/v2': { resources: [resource('things', 'Thing')] },
  '/apis/x.dev/v1': { resources: [resource('things', 'Thing'), resource('olds', 'Old')] },
};

const never = new AbortController().signal;

function getPath(path: string): Promise<unknown> {
  return path in answers ? Promise.resolve(answers[path]) : Promise.reject(new Error('no answer'));
}

test('discover() takes each kind once, at the preferred version that has it, without subresources', async () => {
  const { resources } = await discover({ getPath }, never);
  assert.deepEqual(
    resources.map((found) => `${found.group}/${found.version}/${found.resource}`),
    ['/v1/pods', 'x.dev/v2/things', 'x.dev/v1/olds'],
  );
});

test('discover() names a group that does not answer, and goes on with the others', async () => {
  const { failures } = await discover({ getPath }, never);
  assert.deepEqual(failures, ['/apis/broken.dev/v1: no answer']);
});

test('discover() rejects when the list of groups cannot be had', async () => {
  await assert.rejects(
    discover({ getPath: () => Promise.reject(new Error('away')) }, never),
    /^Error: away$/,
  );
});
