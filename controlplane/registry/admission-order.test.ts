// A create that was admitted to a living namespace must be in the store's queue before that namespace's deletion is.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Fixture } from './registry-fixture.ts';
import { openFixture } from './registry-fixture.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

const revisionOf = (object: { readonly metadata: { resourceVersion?: string } }): number =>
  Number(object.metadata.resourceVersion);

// The deletion comes so many turns of the microtask queue after the create.
for (let turns = 0; turns < 12; turns += 1) {
  test(`nothing lands in a namespace after its deletion, ${turns} turns apart`, async () => {
    const name = `leaving-${turns}`;
    await fixture.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    const made = fixture
      .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: name } })
      .catch((error: unknown) => error as Error);
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    const target = { definition: fixture.kind('v1', 'namespaces'), namespace: '', name };
    const { stored } = await fixture.registry.delete(target, {}, fixture.context());
    const result = await made;
    if (result instanceof Error) assert.match(result.message, /because it is being terminated/);
    else assert.ok(revisionOf(result) < stored.revision, 'created after the deletion');
  });
}
