// The definitions of deploy/crds.json are taken as valid when a server makes them: this is where they are found valid.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fieldAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { openFixture } from './registry-fixture.ts';
import type { Fixture } from './registry-fixture.ts';

const file = join(import.meta.dirname, '..', '..', 'deploy', 'crds.json');
const { items } = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly items: readonly KubernetesObject[];
};
const API = 'apiextensions.k8s.io/v1';

/** The definitions as they are stored; their names only where that differs by chance. */
function stored(fixture: Fixture): readonly unknown[] {
  return items.map(({ metadata: { name = '' } }) => {
    const found = fixture.read(API, 'customresourcedefinitions', '', name);
    assert.ok(found, name);
    const { uid: _uid, resourceVersion: _version, ...metadata } = found.metadata;
    return { ...found, metadata };
  });
}

test('each is valid, and stored the same whether that is looked at or not', async () => {
  assert.ok(items.length >= 6);
  const checked = await openFixture();
  const proven = await openFixture();
  try {
    const { signal } = new AbortController();
    await checked.registry.bootstrap(items, signal);
    await proven.registry.bootstrap([], signal, items);
    assert.deepEqual(stored(proven), stored(checked));
  } finally {
    await checked.close();
    await proven.close();
  }
});

test('one that is not of this release is looked at', async () => {
  const fixture = await openFixture();
  try {
    const broken = structuredClone(items[0]) as KubernetesObject & { spec: { group: string } };
    broken.spec.group = 'not a domain';
    const bootstrap = fixture.registry.bootstrap([broken], new AbortController().signal);
    await assert.rejects(bootstrap, /spec\.group/);
  } finally {
    await fixture.close();
  }
});

test('rules of a proven definition hold', async () => {
  const fixture = await openFixture();
  try {
    await fixture.registry.bootstrap([], new AbortController().signal, items);
    const wrong = {
      apiVersion: 'windlass.dev/v1alpha1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: {
        updateStrategy: { type: 'Recreate', order: 'StartFirst' },
        template: { spec: { containers: [{ name: 'c', image: 'a' }] } },
      },
    };
    await assert.rejects(fixture.create(wrong), (error) => {
      assert.match(
        String(fieldAt(error, 'message')),
        /no meaning with types Recreate and BlueGreen/,
      );
      return true;
    });
  } finally {
    await fixture.close();
  }
});
