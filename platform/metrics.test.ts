import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetricsRegistry } from './metrics.ts';

test('expose() prints each family with its help, type and labelled values', async () => {
  const metrics = new MetricsRegistry();
  const writes = metrics.counter({
    name: 'windlass_writes_total',
    help: '[ALPHA] Writes.',
    labelNames: ['provider'],
  });
  writes.inc({ provider: 'sqlite' });
  writes.inc({ provider: 'sqlite' }, 2);
  const text = await metrics.expose();
  assert.match(text, /# HELP windlass_writes_total \[ALPHA\] Writes\./);
  assert.match(text, /# TYPE windlass_writes_total counter/);
  assert.match(text, /windlass_writes_total\{provider="sqlite"\} 3/);
});

test('a histogram prints whole bounds without a fraction, as recording rules match them', async () => {
  const metrics = new MetricsRegistry();
  const latency = metrics.histogram({
    name: 'windlass_latency_seconds',
    help: '[ALPHA] Latency.',
    buckets: [0.05, 1, 30],
  });
  latency.observe({}, 0.5);
  const text = await metrics.expose();
  assert.match(text, /le="1"\} 1/);
  assert.match(text, /le="0.05"\} 0/);
  assert.match(text, /windlass_latency_seconds_sum 0.5/);
});

test('a gauge with collect is asked at each exposition', async () => {
  const metrics = new MetricsRegistry();
  let objects = 1;
  metrics.gauge({
    name: 'windlass_objects',
    help: '[ALPHA] Objects.',
    collect: (gauge) => gauge.set({}, objects),
  });
  assert.match(await metrics.expose(), /windlass_objects 1/);
  objects = 7;
  assert.match(await metrics.expose(), /windlass_objects 7/);
});
