// What rules of definitions may cost, as estimated when a definition is written. Each case has an answer that Kubernetes' own server
// gave (rule-cost-outcomes.json, written with WINDLASS_RECORD=1 where there is one); ours must give the same.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { TestControlPlane } from '../support/control-plane.ts';
import { ForeignServer, missingForeignServer } from '../support/foreign-server.ts';
import { RawApi } from '../support/raw-api.ts';
import { ruleCostCases, ruleCostDefinition } from '../support/rule-cost-cases.ts';

const file = join(import.meta.dirname, 'rule-cost-outcomes.json');
const isRecording = process.env['WINDLASS_RECORD'] === '1';
const foreign = missingForeignServer();

/** `field: message` of all that is refused, of each case. */
async function outcomes(kubeconfig: string): Promise<readonly (readonly string[])[]> {
  const api = await RawApi.open(kubeconfig);
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All';
  const all: string[][] = [];
  for (const [part, ...rules] of ruleCostCases) {
    const body = ruleCostDefinition(part, rules);
    const answer = await api.call({ method: 'POST', path, body });
    const { details } = answer.body as {
      details?: { causes?: { field: string; message: string }[] };
    };
    const causes = (details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`);
    all.push(
      answer.code === 201
        ? []
        : causes.length === 0
          ? [JSON.stringify(answer.body)]
          : causes.toSorted(),
    );
  }
  await api.close();
  return all;
}

suite('the cost of rules', () => {
  test('ours is what is recorded', async (t) => {
    const plane = await TestControlPlane.start(t);
    const recorded = JSON.parse(readFileSync(file, 'utf8')) as string[][];
    const ours = await outcomes(plane.kubeconfig);
    for (const [at, [, ...rules]] of ruleCostCases.entries()) {
      assert.deepEqual(ours[at], recorded[at], rules.join(' | '));
    }
    assert.equal(recorded.length, ours.length);
  });

  test("so is that of Kubernetes' own server", { skip: foreign ?? false }, async (t) => {
    const server = await ForeignServer.start(t);
    const theirs = await outcomes(server.kubeconfig);
    if (isRecording) writeFileSync(file, `${JSON.stringify(theirs, undefined, 2)}\n`);
    else assert.deepEqual(theirs, JSON.parse(readFileSync(file, 'utf8')));
  });
});
