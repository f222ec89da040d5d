import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { KubernetesObject } from '../api/object.ts';
import { isOver } from './lifetime.ts';

const MADE = Date.UTC(2030, 0, 1);
const HOUR = 3_600_000;

function request(condition?: string, afterMs = 0): KubernetesObject {
  const lastUpdateTime = new Date(MADE + afterMs).toISOString();
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'x', creationTimestamp: new Date(MADE).toISOString() },
    status:
      condition === undefined
        ? {}
        : { conditions: [{ type: condition, status: 'True', lastUpdateTime }] },
  };
}

test('what nobody decides goes after a day, what was decided an hour later', () => {
  assert.ok(!isOver(request(), MADE + 24 * HOUR));
  assert.ok(isOver(request(), MADE + 24 * HOUR + 1));
  for (const type of ['Approved', 'Denied', 'Failed']) {
    assert.ok(!isOver(request(type, 2 * HOUR), MADE + 3 * HOUR));
    assert.ok(isOver(request(type, 2 * HOUR), MADE + 3 * HOUR + 1));
  }
});
