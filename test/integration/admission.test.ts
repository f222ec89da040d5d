// Webhooks of real HTTPS servers, as their authors see them. Each case has an outcome that Kubernetes' own server gave
// (admission-outcomes.json, written with WINDLASS_RECORD=1 where there is one); ours must give the same.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { admissionCases } from '../support/admission-cases.ts';
import { AdmissionWorld } from '../support/admission-world.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { ForeignServer, missingForeignServer } from '../support/foreign-server.ts';
import { RawApi } from '../support/raw-api.ts';
import { WebhookServer } from '../support/webhook-server.ts';

const file = join(import.meta.dirname, 'admission-outcomes.json');
const recorded = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
const isRecording = process.env['WINDLASS_RECORD'] === '1';
const foreign = missingForeignServer();

async function worldOf(t: Pick<TestContext, 'after'>, kubeconfig: string): Promise<AdmissionWorld> {
  const server = await WebhookServer.start(t);
  const api = await RawApi.open(kubeconfig);
  t.after(() => api.close());
  const metadata = { name: 'hooks' };
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata };
  await api.call({ method: 'POST', path: '/api/v1/namespaces', body });
  return new AdmissionWorld(api, server, metadata.name);
}

async function play(world: AdmissionWorld): Promise<Record<string, unknown>> {
  const outcomes: Record<string, unknown> = {};
  for (const { title, play: run } of admissionCases) {
    // As a file holds it: without fields that are undefined.
    outcomes[title] = JSON.parse(JSON.stringify(await run(world)));
  }
  return outcomes;
}

suite('webhooks', () => {
  test('ours does what is recorded', async (t) => {
    const plane = await TestControlPlane.start(t);
    const world = await worldOf(t, plane.kubeconfig);
    const outcomes = await play(world);
    for (const [title, outcome] of Object.entries(outcomes)) {
      assert.deepEqual(outcome, recorded[title], title);
    }
    assert.deepEqual(Object.keys(recorded).toSorted(), Object.keys(outcomes).toSorted());
    const metrics = (await plane.exposition())
      .split('\n')
      .filter((line) => line.startsWith('apiserver_admission_') && !line.includes('_bucket'))
      .join('\n');
    assert.match(
      metrics,
      /^apiserver_admission_webhook_rejection_count\{[^}]*error_type="calling_webhook_error",rejection_code="404"/m,
    );
    assert.match(metrics, /^apiserver_admission_webhook_fail_open_count\{name="one.example.com"/m);
    assert.match(metrics, /^apiserver_admission_webhook_request_total\{[^}]*code="200"/m);
    assert.match(metrics, /^apiserver_admission_step_admission_duration_seconds_count\{/m);
  });

  test("so does Kubernetes' own server", { skip: foreign ?? false }, async (t) => {
    const server = await ForeignServer.start(t);
    const outcomes = await play(await worldOf(t, server.kubeconfig));
    if (isRecording) writeFileSync(file, `${JSON.stringify(outcomes, undefined, 2)}\n`);
    else assert.deepEqual(outcomes, recorded);
  });
});
