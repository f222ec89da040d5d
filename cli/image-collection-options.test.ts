import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLLECTION_DEFAULTS } from '#controllers/agent/image-collection.ts';
import { imageCollectionOf, imageCollectionOptions } from './image-collection-options.ts';
import { parseOptions } from './options.ts';
import { UsageError } from './usage-error.ts';

function read(...flags: readonly string[]): ReturnType<typeof imageCollectionOf> {
  return imageCollectionOf(parseOptions(imageCollectionOptions, flags, {}).values);
}

test('without flags images are removed as by the kubelet', () => {
  assert.deepEqual(read(), COLLECTION_DEFAULTS);
});

test('flags say when images are removed, and what no disk could be is refused', () => {
  const flags = ['--image-gc-high-threshold=70', '--image-gc-low-threshold=60'];
  assert.deepEqual(read(...flags, '--image-minimum-age=30s', '--image-maximum-age=48h'), {
    highPercent: 70,
    lowPercent: 60,
    minimumAgeMs: 30_000,
    maximumAgeMs: 172_800_000,
  });
  const refused = (message: RegExp, ...wrong: readonly string[]): void =>
    assert.throws(
      () => read(...wrong),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  refused(/low-threshold must be less than .*, found 80 and 80$/, '--image-gc-high-threshold=80');
  refused(/--image-gc-high-threshold .*101/, '--image-gc-high-threshold=101');
  refused(/--image-minimum-age must be a duration such as .*"soon"/, '--image-minimum-age=soon');
  refused(/--image-maximum-age must be a duration such as/, '--image-maximum-age=-1s');
});
