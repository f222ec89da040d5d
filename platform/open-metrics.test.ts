import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetricsRegistry } from './metrics.ts';
import { openMetricsText } from './open-metrics.ts';

test('openMetricsText() names counters without _total, and leaves samples as they are', async () => {
  const metrics = new MetricsRegistry();
  metrics.counter({ name: 'a_total', help: '[ALPHA] Of "a".', labelNames: ['b'] }).inc({ b: 'x' });
  metrics.counter({ name: 'odd_count', help: '[ALPHA] Odd.' }).inc();
  metrics.gauge({ name: 'c_total', help: '[ALPHA] A gauge.' }).set({}, 2);
  metrics.histogram({ name: 'd_seconds', help: '[ALPHA] D.', buckets: [1] }).observe({}, 0.5);
  const text = await metrics.expose();
  assert.equal(
    openMetricsText(`${text}\n\n`),
    [
      '# HELP a [ALPHA] Of \\"a\\".',
      '# TYPE a counter',
      'a_total{b="x"} 1',
      '# HELP odd_count [ALPHA] Odd.',
      '# TYPE odd_count unknown',
      'odd_count 1',
      '# HELP c_total [ALPHA] A gauge.',
      '# TYPE c_total gauge',
      'c_total 2',
      '# HELP d_seconds [ALPHA] D.',
      '# TYPE d_seconds histogram',
      'd_seconds_bucket{le="1"} 1',
      'd_seconds_bucket{le="+Inf"} 1',
      'd_seconds_sum 0.5',
      'd_seconds_count 1',
      '# EOF',
      '',
    ].join('\n'),
  );
});

test('openMetricsText() of nothing is its end alone', () => {
  assert.equal(openMetricsText(''), '# EOF\n');
  assert.equal(openMetricsText('\n'), '# EOF\n');
});
