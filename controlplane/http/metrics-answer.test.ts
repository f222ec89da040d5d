import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wantsOpenMetrics } from './metrics-answer.ts';

const PROMETHEUS =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';

for (const { accept, expected } of [
  { accept: undefined, expected: false },
  { accept: '', expected: false },
  { accept: '*/*', expected: false },
  { accept: 'text/html', expected: false },
  { accept: 'application/json', expected: false },
  { accept: 'application/openmetrics-text', expected: true },
  { accept: 'application/openmetrics-text; version="1.0.0"', expected: true },
  { accept: 'application/openmetrics-text;version=0.0.1', expected: false },
  { accept: 'application/openmetrics-text;q=0', expected: false },
  { accept: 'text/plain, application/openmetrics-text;q=0.9', expected: false },
  { accept: 'text/plain;q=0.5, application/openmetrics-text;q=0.9', expected: true },
  { accept: PROMETHEUS, expected: true },
])
  test(`whoever accepts ${accept ?? 'nothing in particular'} gets ${expected ? 'OpenMetrics' : 'Prometheus text'}`, () => {
    assert.equal(wantsOpenMetrics(accept), expected);
  });
