import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Container } from '@kubernetes/client-node';
import fc from 'fast-check';
import { describedRevision, repinnedHash } from './described-revision.ts';
import { evaluateChange } from './evaluate.ts';
import {
  areSameDigests,
  digestAnnotations,
  digestsFrom,
  digestsOf,
  IMAGE_DIGESTS_ANNOTATION,
  imagesToResolve,
  isLookupAsked,
  pinImage,
  pinTemplate,
  pullSecretNames,
  RESOLVE_IMAGES_ANNOTATION,
} from './image-digests.ts';
import { revisionHash } from './revision-hash.ts';
import type { ControllerRevision } from './revision.ts';
import type { PodTemplate } from './types.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;
const NGINX = 'docker.io/library/nginx:latest';

function template(
  containers: readonly Partial<V1Container>[],
  inits: readonly string[] = [],
): PodTemplate {
  return {
    spec: {
      containers: containers.map((container, index) => ({ name: `c${index}`, ...container })),
      ...(inits.length === 0
        ? {}
        : { initContainers: inits.map((image, index) => ({ name: `i${index}`, image })) }),
    },
  };
}

function revision(
  number: number,
  of: PodTemplate,
  digests: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>> = {},
): ControllerRevision {
  return {
    metadata: {
      name: `web-${number}`,
      uid: `u${number}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      annotations: { [IMAGE_DIGESTS_ANNOTATION]: JSON.stringify(digests), ...more },
    },
    revision: number,
    data: { spec: { template: of } },
  };
}

function service(asked?: string): { metadata: ControllerRevision['metadata'] } {
  return {
    metadata: {
      name: 'web',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(asked === undefined ? {} : { annotations: { [RESOLVE_IMAGES_ANNOTATION]: asked } }),
    },
  };
}

test('imagesToResolve() names each image once, under the policy that asks most', () => {
  const of = template(
    [
      { image: 'nginx' },
      { image: 'docker.io/library/nginx:latest', imagePullPolicy: 'Never' },
      { image: 'acme/api:1' },
      { image: 'acme/api:1', imagePullPolicy: 'Always' },
      { image: `acme/pinned:1@${A}` },
      { image: 'Not An Image' },
      {},
    ],
    ['acme/tool:2', 'acme/never:1'],
  );
  assert.deepEqual(imagesToResolve(of, ['acme/hook', 'acme/tool:2']), [
    { image: 'docker.io/acme/api:1', policy: 'Always' },
    { image: 'docker.io/acme/hook:latest', policy: 'Always' },
    { image: 'docker.io/acme/never:1', policy: 'IfNotPresent' },
    { image: 'docker.io/acme/tool:2', policy: 'IfNotPresent' },
    { image: NGINX, policy: 'Always' },
  ]);
});

test('pullSecretNames() leaves out what names none', () => {
  assert.deepEqual(
    pullSecretNames({
      spec: { containers: [], imagePullSecrets: [{ name: 'a' }, {}, { name: '' }] },
    }),
    ['a'],
  );
});

test('pinImage() keeps what people wrote', () => {
  const digests = new Map([
    [NGINX, A],
    ['ghcr.io/acme/api:1', B],
  ]);
  assert.equal(pinImage('nginx', digests), `nginx:latest@${A}`);
  assert.equal(pinImage('docker.io/nginx:latest', digests), `docker.io/nginx:latest@${A}`);
  assert.equal(pinImage('ghcr.io/acme/api:1', digests), `ghcr.io/acme/api:1@${B}`);
  for (const image of ['nginx:1', `nginx@${B}`, '', 'No Image'])
    assert.equal(pinImage(image, digests), image);
});

test('pinTemplate() pins all containers, changes nothing else, and its pin is no other image', () => {
  const of = template(
    [{ image: 'nginx', args: ['x'] }, { image: 'other:1' }, {}],
    ['nginx:latest'],
  );
  const pinned = pinTemplate(of, new Map([[NGINX, A]]));
  assert.deepEqual(pinned.spec.containers, [
    { name: 'c0', image: `nginx:latest@${A}`, args: ['x'] },
    { name: 'c1', image: 'other:1' },
    { name: 'c2' },
  ]);
  assert.equal(pinned.spec.initContainers?.[0]?.image, `nginx:latest@${A}`);
  assert.deepEqual(pinTemplate(pinned, new Map([[NGINX, B]])), pinned);
  assert.equal(pinTemplate(of, new Map()), of);
  assert.deepEqual(
    evaluateChange({ template: pinned }, { template: pinTemplate(of, new Map([[NGINX, B]])) })
      .verdict,
    'needs-recreate',
  );
});

test('digestsOf() believes no annotation', () => {
  for (const text of ['', '{', '[]', 'null', '7', '{"a":1,"b":"sha256:1","c":null}']) {
    const { metadata } = revision(1, template([]), {}, { [IMAGE_DIGESTS_ANNOTATION]: text });
    assert.equal(digestsOf({ metadata }).size, 0, text);
  }
  assert.equal(digestsOf(service()).size, 0);
});

test('digests survive their annotation, in one order', () => {
  const digest = fc.constantFrom(A, B);
  const digests = fc.uniqueArray(fc.tuple(fc.stringMatching(/^r\.io\/[a-z]{1,8}:1$/), digest), {
    selector: ([image]) => image,
  });
  fc.assert(
    fc.property(digests, (entries) => {
      const annotations = digestAnnotations(service(), new Map(entries));
      assert.deepEqual(digestAnnotations(service(), new Map(entries.toReversed())), annotations);
      const read = digestsOf({ metadata: { ...service().metadata, annotations } });
      assert.ok(areSameDigests(read, new Map(entries)));
    }),
  );
});

test('digestsFrom() keeps what was known of an image that could not be looked up', () => {
  const answer = (image: string, digest?: string) => ({
    image,
    reason: '',
    isMissing: false,
    ...(digest === undefined ? {} : { digest }),
  });
  const before = new Map([
    ['a', A],
    ['b', A],
    ['gone', A],
  ]);
  const after = digestsFrom([answer('a', B), answer('b'), answer('c')], before);
  assert.deepEqual(
    [...after],
    [
      ['a', B],
      ['b', A],
    ],
  );
});

test('a lookup is asked for once per text', () => {
  const fresh = revision(1, template([]), {});
  assert.equal(isLookupAsked(service(), fresh), false);
  assert.equal(isLookupAsked(service('t1'), fresh), true);
  const answered = revision(1, template([]), {}, digestAnnotations(service('t1'), new Map()));
  assert.equal(isLookupAsked(service('t1'), answered), false);
  assert.equal(isLookupAsked(service('t2'), answered), true);
});

test('a tag that moves makes a second revision of the template; both can be gone back to', () => {
  const of = template([{ image: 'nginx' }]);
  const first = revision(1, of, { [NGINX]: A });
  assert.equal(describedRevision({ template: of }, [first]), first);
  const moved = repinnedHash({ template: of }, new Map([[NGINX, B]]));
  assert.notEqual(moved, revisionHash({ template: of }));
  const second = revision(2, of, { [NGINX]: B });
  assert.equal(describedRevision({ template: of }, [first, second]), second);
  // A rollback names the digest.
  const back = pinTemplate(of, digestsOf(first));
  assert.equal(describedRevision({ template: back }, [first, second]), first);
  assert.equal(
    describedRevision({ template: template([{ image: 'docker.io/library/nginx' }]) }, [
      first,
      second,
    ]),
    second,
  );
  assert.equal(
    describedRevision({ template: template([{ image: 'nginx:2' }]) }, [first, second]),
    undefined,
  );
});
