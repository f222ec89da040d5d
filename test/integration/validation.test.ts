// Bad objects of Kubernetes' own kinds: code, reason, fields and words are those that Kubernetes' own server gave
// (validation-outcomes.json, written with WINDLASS_RECORD=1 where there is one). Where ours says something else, it is said why in
// validation-differences.ts.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { TestControlPlane } from '../support/control-plane.ts';
import { ForeignServer, missingForeignServer } from '../support/foreign-server.ts';
import { RawApi } from '../support/raw-api.ts';
import { baseObjects, NAMESPACE } from '../support/validation-bases.ts';
import { playBadObject, titleOf } from '../support/validation-case.ts';
import type { Outcome } from '../support/validation-case.ts';
import { differences } from '../support/validation-differences.ts';
import { badPods } from '../support/validation-pods.ts';
import { badWorkloads } from '../support/validation-workloads.ts';

const file = join(import.meta.dirname, 'validation-outcomes.json');
const recorded = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Outcome>;
const isRecording = process.env['WINDLASS_RECORD'] === '1';
const foreign = missingForeignServer();

async function play(
  t: Pick<TestContext, 'after'>,
  kubeconfig: string,
): Promise<Record<string, Outcome>> {
  const api = await RawApi.open(kubeconfig);
  t.after(() => api.close());
  const make = (path: string, kind: string, rest: object): Promise<unknown> =>
    api.call({ method: 'POST', path, body: { apiVersion: 'v1', kind, ...rest } });
  await make('/api/v1/namespaces', 'Namespace', { metadata: { name: NAMESPACE } });
  // Without it upstream lets no Pod in.
  await make(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, 'ServiceAccount', {
    metadata: { name: 'default' },
    automountServiceAccountToken: false,
  });
  const outcomes: Record<string, Outcome> = {};
  for (const object of [...badPods, ...badWorkloads])
    outcomes[titleOf(object)] = await playBadObject(api, baseObjects, object);
  return outcomes;
}

suite('bad objects', () => {
  test('ours says what is recorded', async (t) => {
    const plane = await TestControlPlane.start(t);
    const outcomes = await play(t, plane.kubeconfig);
    assert.deepEqual(Object.keys(outcomes).toSorted(), Object.keys(recorded).toSorted());
    const wrong = Object.entries(outcomes).filter(
      ([title, outcome]) => !differences.has(title) && !isSame(outcome, recorded[title]),
    );
    const expected = wrong.map(([title]) => [title, recorded[title]]);
    assert.deepEqual(Object.fromEntries(wrong), Object.fromEntries(expected));
    const mended = [...differences].filter((title) => isSame(outcomes[title], recorded[title]));
    assert.deepEqual(mended, [], 'no longer different: take it out of the list');
  });

  test("so does Kubernetes' own server", { skip: foreign ?? false }, async (t) => {
    const server = await ForeignServer.start(t);
    const outcomes = await play(t, server.kubeconfig);
    if (isRecording) writeFileSync(file, `${JSON.stringify(outcomes, undefined, 2)}\n`);
    else assert.deepEqual(outcomes, recorded);
  });
});

function isSame(a: Outcome | undefined, b: Outcome | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
