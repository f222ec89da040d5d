import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateChange } from './evaluate.ts';
import { normalizeTemplate } from './normalize.ts';
import { revisionHash } from './revision-hash.ts';
import type { PodTemplate } from './types.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;

function of(image: string): PodTemplate {
  return { spec: { containers: [{ name: 'c', image }] } };
}

for (const [one, other] of [
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:latest', 'index.docker.io/nginx'],
  ['acme/api:1', 'docker.io/acme/api:1'],
  ['ghcr.io/acme/api', 'ghcr.io/acme/api:latest'],
  [`nginx@${DIGEST}`, `docker.io/library/nginx:latest@${DIGEST}`],
] as const) {
  test(`${one} and ${other} are one image, and one revision`, () => {
    assert.equal(
      evaluateChange({ template: of(one) }, { template: of(other) }).verdict,
      'up-to-date',
    );
    assert.equal(revisionHash({ template: of(one) }), revisionHash({ template: of(other) }));
  });
}

test('images elsewhere in a template compare as images too', () => {
  const at = (image: string): PodTemplate => ({
    spec: {
      containers: [{ name: 'c', image: 'a:1' }],
      initContainers: [{ name: 'i', image }],
      volumes: [{ name: 'v', image: { reference: image } }],
    },
  });
  assert.equal(
    revisionHash({ template: at('b') }),
    revisionHash({ template: at('docker.io/library/b:latest') }),
  );
});

test('a field that is only called image is text', () => {
  const env = (value: string): PodTemplate => ({
    spec: { containers: [{ name: 'c', image: 'a:1', env: [{ name: 'image', value }] }] },
  });
  assert.notEqual(
    revisionHash({ template: env('b') }),
    revisionHash({ template: env('b:latest') }),
  );
});

test('other images are other revisions, and what is no reference is compared as text', () => {
  for (const [one, other] of [
    ['nginx:1', 'nginx:2'],
    ['nginx', 'ghcr.io/library/nginx'],
    ['Not An Image', 'not an image'],
    ['nginx', `nginx@${DIGEST}`],
  ] as const)
    assert.equal(
      evaluateChange({ template: of(one) }, { template: of(other) }).verdict,
      'needs-recreate',
      `${one} ${other}`,
    );
});

test('the hash of what was written in short stays what it was', () => {
  for (const image of ['a:1', 'ghcr.io/acme/api:1.2', `nginx:1@${DIGEST}`, 'not an image', 'nginx'])
    assert.deepEqual(normalizeTemplate(of(image)), {
      spec: { containers: [{ image, name: 'c' }] },
    });
  // Of the release before image references were understood.
  assert.equal(revisionHash({ template: of('nginx:1.27') }), 'pkqh2hbg6d');
});
