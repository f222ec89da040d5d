import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HistogramFamily } from './histogram.ts';
import { MetricsRegistry } from './metrics.ts';

const options = { name: 'd_seconds', help: '[ALPHA] D.', labelNames: ['verb'], buckets: [1, 2] };

test('a series and a label set that says the same are one: bounds count what is at most them', async () => {
  const metrics = new MetricsRegistry();
  const histogram = metrics.histogram(options);
  const series = histogram.series({ verb: 'get' });
  for (const value of [0.5, 1, 1.5, 7]) series.observe(value);
  histogram.observe({ verb: 'get' }, 2);
  assert.equal(
    await metrics.expose(),
    [
      '# HELP d_seconds [ALPHA] D.',
      '# TYPE d_seconds histogram',
      'd_seconds_bucket{le="1",verb="get"} 2',
      'd_seconds_bucket{le="2",verb="get"} 4',
      'd_seconds_bucket{le="+Inf",verb="get"} 5',
      'd_seconds_sum{verb="get"} 12',
      'd_seconds_count{verb="get"} 5',
      '',
    ].join('\n'),
  );
});

test('a family without labels is there before anything is observed', async () => {
  const metrics = new MetricsRegistry();
  metrics.histogram({ ...options, labelNames: [] });
  assert.match(await metrics.expose(), /^d_seconds_count 0$/m);
});

test('values that are no numbers and labels that are not of the family are mistakes', () => {
  const histogram = new HistogramFamily(options);
  assert.throws(() => histogram.observe({ verb: 'get' }, Number.NaN), TypeError);
  assert.throws(() => histogram.observe({ verb: 'put', code: '200' }, 1), /has no label code/);
});

test('values of labels that only look alike when put together are different series', async () => {
  const histogram = new HistogramFamily({ ...options, labelNames: ['a', 'b'] });
  histogram.observe({ a: 'x","y', b: 'z' }, 1);
  histogram.observe({ a: 'x', b: 'y","z' }, 1);
  const { values } = await histogram.get();
  assert.equal(values.filter(({ metricName }) => metricName === 'd_seconds_count').length, 2);
});
