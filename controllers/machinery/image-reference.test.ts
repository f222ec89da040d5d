import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  canonicalImageText,
  familiarImage,
  fullImage,
  ImageReferenceError,
  imageReferenceOf,
  parseImageReference,
} from './image-reference.ts';

const D256 = `sha256:${'0123456789abcdef'.repeat(4)}`;
const D512 = `sha512:${'0123456789abcdef'.repeat(8)}`;

const FORMS: readonly (readonly [text: string, full: string, familiar: string])[] = [
  ['nginx', 'docker.io/library/nginx:latest', 'nginx'],
  ['nginx:latest', 'docker.io/library/nginx:latest', 'nginx'],
  ['library/nginx', 'docker.io/library/nginx:latest', 'nginx'],
  ['docker.io/nginx', 'docker.io/library/nginx:latest', 'nginx'],
  ['index.docker.io/library/nginx:1', 'docker.io/library/nginx:1', 'nginx:1'],
  ['acme/api:v1', 'docker.io/acme/api:v1', 'acme/api:v1'],
  ['ghcr.io/acme/api', 'ghcr.io/acme/api:latest', 'ghcr.io/acme/api'],
  ['localhost/api', 'localhost/api:latest', 'localhost/api'],
  ['Localhost/api', 'Localhost/api:latest', 'Localhost/api'],
  ['localhost:5000/api:1', 'localhost:5000/api:1', 'localhost:5000/api:1'],
  ['127.0.0.1:5000/a/b/c', '127.0.0.1:5000/a/b/c:latest', '127.0.0.1:5000/a/b/c'],
  ['[::1]:5000/api:1', '[::1]:5000/api:1', '[::1]:5000/api:1'],
  ['[2001:db8::1]/api', '[2001:db8::1]/api:latest', '[2001:db8::1]/api'],
  ['docker.io/a.b/c', 'docker.io/a.b/c:latest', 'docker.io/a.b/c'],
  ['docker.io/localhost/c', 'docker.io/localhost/c:latest', 'docker.io/localhost/c'],
  ['library/a/b', 'docker.io/library/a/b:latest', 'library/a/b'],
  ['a__b--c.d', 'docker.io/library/a__b--c.d:latest', 'a__b--c.d'],
  ['nginx:_1.2-x', 'docker.io/library/nginx:_1.2-x', 'nginx:_1.2-x'],
  [`nginx@${D256}`, `docker.io/library/nginx@${D256}`, `nginx@${D256}`],
  [`nginx:1@${D512}`, `docker.io/library/nginx:1@${D512}`, `nginx:1@${D512}`],
  [`nginx:latest@${D256}`, `docker.io/library/nginx:latest@${D256}`, `nginx@${D256}`],
  [
    `r.io/a@x+y.z:${'aF'.repeat(16)}`,
    `r.io/a@x+y.z:${'aF'.repeat(16)}`,
    `r.io/a@x+y.z:${'aF'.repeat(16)}`,
  ],
  [`r.io/${'a'.repeat(250)}`, `r.io/${'a'.repeat(250)}:latest`, `r.io/${'a'.repeat(250)}`],
  [`a:${'t'.repeat(128)}`, `docker.io/library/a:${'t'.repeat(128)}`, `a:${'t'.repeat(128)}`],
];

for (const [text, full, familiar] of FORMS) {
  test(`${text.slice(0, 60)} is ${full.slice(0, 60)}`, () => {
    const reference = parseImageReference(text);
    assert.equal(fullImage(reference), full);
    assert.equal(familiarImage(reference), familiar);
  });
}

const REFUSED: readonly (readonly [text: string, why: RegExp])[] = [
  ['', /empty/],
  [' ', /write it as/],
  ['nginx ', /write it as/],
  ['nginx:', /tag/],
  ['nginx:-1', /tag/],
  ['nginx:.1', /tag/],
  [`nginx:${'t'.repeat(129)}`, /tag/],
  ['nginx:1:2', /tag/],
  ['Nginx', /lower case, "nginx"/],
  ['ghcr.io/Acme/api', /lower case, "acme"/],
  ['a//b', /write it as/],
  ['/a', /write it as/],
  ['a/', /write it as/],
  ['a_-b/c', /write it as/],
  ['a___b', /write it as/],
  ['-a', /write it as/],
  ['a-', /write it as/],
  ['http://r.io/a', /write it as|registry/],
  ['-r.io/a', /"-r\.io" is no address of a registry/],
  ['r..io/a', /registry/],
  ['r.io:x/a', /registry/],
  ['r.io:/a', /registry/],
  ['[::1/a', /registry/],
  ['user@r.io/a', /what follows @/],
  ['nginx@', /what follows @/],
  ['nginx@sha256:12', /what follows @/],
  [`nginx@sha256:${'a'.repeat(63)}`, /what follows @/],
  [`nginx@sha256:${'a'.repeat(65)}`, /what follows @/],
  [`nginx@sha256:${'A'.repeat(64)}`, /what follows @/],
  [`nginx@${D256}@${D256}`, /what follows @/],
  ['a'.repeat(64), /write it as|64 hexadecimal/],
  [`r.io/${'a'.repeat(251)}`, /longer than 255/],
  ['a'.repeat(5000), /longer than 1024/],
  ['nginx\n', /write it as/],
  ['\u0000', /write it as/],
  ['näh', /write it as/],
  ['0__0.a/0', /"0__0\.a" is no address of a registry/],
];

for (const [text, why] of REFUSED) {
  test(`parseImageReference() refuses ${JSON.stringify(text.slice(0, 50))}`, () => {
    assert.throws(
      () => parseImageReference(text),
      (error) => {
        assert.ok(error instanceof ImageReferenceError);
        assert.match(error.message, why);
        assert.ok(error.message.length < 300);
        return true;
      },
    );
    assert.equal(canonicalImageText(text), text);
  });
}

const word = fc.stringMatching(/^[a-z0-9]{1,6}$/);
const separator = fc.constantFrom('.', '_', '__', '-', '---');
const component = fc
  .tuple(word, fc.array(fc.tuple(separator, word), { maxLength: 2 }))
  .map(([first, rest]) => first + rest.map((pair) => pair.join('')).join(''));
const domain = fc.constantFrom(
  'docker.io',
  'index.docker.io',
  'localhost',
  'ghcr.io',
  'r.io:5000',
  'UPPER',
  '[::1]',
  '[fe80::1]:443',
);
const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/);
const reference = fc
  .tuple(
    fc.option(domain),
    fc.array(component, { minLength: 1, maxLength: 4 }),
    fc.option(tag),
    fc.option(fc.constantFrom(D256, D512)),
  )
  // With a dot, what comes first is a registry.
  .filter(([host, path]) => host !== null || path.length === 1 || path[0]?.includes('.') !== true)
  .map(
    ([host, path, label, digest]) =>
      (host === null ? '' : `${host}/`) +
      path.join('/') +
      (label === null ? '' : `:${label}`) +
      (digest === null ? '' : `@${digest}`),
  )
  .filter((text) => !/^[0-9a-f]{64}$/.test(text));

test('both forms of any reference mean what it means', () => {
  fc.assert(
    fc.property(reference, (text) => {
      const parsed = parseImageReference(text);
      const full = fullImage(parsed);
      const familiar = familiarImage(parsed);
      assert.equal(fullImage(parseImageReference(full)), full);
      assert.equal(familiarImage(parseImageReference(familiar)), familiar);
      assert.equal(canonicalImageText(full), familiar);
      const again = parseImageReference(familiar);
      assert.equal(again.domain, parsed.domain);
      assert.equal(again.path, parsed.path);
      assert.equal(again.digest, parsed.digest);
      assert.equal(again.tag ?? 'latest', parsed.tag ?? 'latest');
      assert.ok(familiar.length <= full.length);
    }),
    { numRuns: 2000 },
  );
});

test('any text is a reference or refused, and soon', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ maxLength: 2000 }),
        fc.string({
          unit: fc.constantFrom('a', '-', '_', '.', '/', ':', '@', 'A'),
          maxLength: 1500,
        }),
      ),
      (text) => {
        const found = imageReferenceOf(text);
        if (found !== undefined) {
          assert.ok(found.domain.length + found.path.length < 255);
          assert.deepEqual(parseImageReference(fullImage(found)), {
            ...(found.tag === undefined && found.digest === undefined ? { tag: 'latest' } : {}),
            ...found,
          });
        }
      },
    ),
  );
});
