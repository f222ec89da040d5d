// docs/metrics.md is what is measured: every family, with its labels and its meaning.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { MetricFamily } from '#platform/metrics.ts';
import { METRICS_PAGE, metricParts, metricsPage } from '../../scripts/generate-metrics.ts';

const parts = await metricParts();
const all: readonly MetricFamily[] = [
  parts.server,
  parts.controllers,
  parts.agent,
  parts.process,
].flat();
/** What Kubernetes, kube-state-metrics, controller-runtime, etcd and prom-client have under the same names. */
const UPSTREAM =
  /^(apiserver|authenticated|authentication|authorization|controller_runtime|etcd|field_validation|kube|kubelet|kubernetes|node_collector|nodejs|pod_security|prober|process|rest_client|taint_eviction_controller|workqueue)_/;
const NOT_OF_KUBERNETES = /^(process|nodejs)_/;

test('docs/metrics.md holds exactly what the generator writes', async () => {
  const page = await readFile(METRICS_PAGE, 'utf8');
  assert.equal(page, metricsPage(page, parts), 'run node scripts/generate-metrics.ts');
});

test('each family is of upstream or begins with windlass_, and says its stability and what it means', () => {
  for (const { name, help } of all) {
    assert.match(name, /^[a-z][a-z0-9_]*$/);
    assert.ok(UPSTREAM.test(name) || name.startsWith('windlass_'), name);
    if (!NOT_OF_KUBERNETES.test(name)) assert.match(help, /^\[(ALPHA|BETA|STABLE)\] \S.*/, name);
  }
});

test('counters end in _total, and none of them is made twice', () => {
  // Upstream's are as they are.
  const odd = new Set([
    'apiserver_admission_webhook_fail_open_count',
    'apiserver_admission_webhook_rejection_count',
    'authenticated_user_requests',
    'authentication_attempts',
  ]);
  for (const { name, type } of all)
    if (type === 'counter' && !odd.has(name)) assert.match(name, /_total$/);
  for (const families of [parts.server, parts.controllers, parts.agent])
    assert.equal(new Set(families.map(({ name }) => name)).size, families.length);
});

test('what users have many of is a label only where its own state is shown, and goes with it', () => {
  const many = new Set(['pod', 'uid', 'user', 'path', 'object', 'ip', 'url']);
  const shown = all.filter(({ labelNames }) => labelNames.some((label) => many.has(label)));
  assert.deepEqual(
    shown.map(({ name }) => name),
    ['prober_probe_total'],
  );
});
