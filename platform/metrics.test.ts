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

test('series of what is gone are forgotten, of every kind of family', async () => {
  const metrics = new MetricsRegistry();
  const present = new Set(['a', 'b']);
  const family = (name: string) => ({
    name: `windlass_${name}`,
    help: '[ALPHA] Something.',
    labelNames: ['instance', 'state'],
    isKept: ({ instance = '' }) => present.has(instance),
  });
  const counter = metrics.counter(family('total'));
  const gauge = metrics.gauge(family('bytes'));
  const histogram = metrics.histogram({ ...family('seconds'), buckets: [1] });
  for (const instance of present) {
    counter.inc({ instance, state: 'Up' });
    gauge.set({ instance, state: 'Down' }, 3);
    histogram.observe({ instance, state: 'Up' }, 0.5);
  }
  const before = await metrics.expose();
  assert.equal(before.match(/instance="b"/g)?.length, 6);
  present.delete('b');
  const after = await metrics.expose();
  assert.doesNotMatch(after, /instance="b"/);
  assert.equal(after.match(/instance="a"/g)?.length, 6);
});
