import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ApiError } from '../api/errors.ts';
import { negotiate } from './negotiate.ts';

const KUBECTL_GET =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

const rows: readonly (readonly [string | undefined, string])[] = [
  [undefined, 'json Object v1'],
  ['', 'json Object v1'],
  ['*/*', 'json Object v1'],
  ['application/*', 'json Object v1'],
  ['application/json', 'json Object v1'],
  ['application/json;stream=watch', 'json Object v1'],
  ['Application/JSON', 'json Object v1'],
  ['application/yaml', 'yaml Object v1'],
  ['application/vnd.kubernetes.protobuf,application/json', 'json Object v1'],
  ['application/vnd.kubernetes.protobuf, */*', 'json Object v1'],
  ['application/json;q=0.5, application/yaml', 'yaml Object v1'],
  ['application/yaml;q=0, application/json', 'json Object v1'],
  [KUBECTL_GET, 'json Table v1'],
  ['application/json;as=Table;v=v1beta1;g=meta.k8s.io', 'json Table v1beta1'],
  ['application/json;as=Table;v=v2;g=meta.k8s.io,application/json', 'json Object v1'],
  ['application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'json PartialObjectMetadata v1'],
  [
    'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
    'json PartialObjectMetadata v1',
  ],
];

for (const [header, expected] of rows) {
  test(`negotiate() answers ${header ?? 'no header'} with ${expected}`, () => {
    const { media, as, metaVersion } = negotiate(header);
    assert.equal(`${media} ${as} ${metaVersion}`, expected);
  });
}

for (const header of [
  'text/html',
  'application/vnd.kubernetes.protobuf',
  'application/json;as=Foo;v=v1;g=meta.k8s.io',
  ',',
]) {
  test(`negotiate() refuses ${header} with 406, also when asked again`, () => {
    for (const attempt of [1, 2]) {
      assert.throws(
        () => negotiate(header),
        (error) => error instanceof ApiError && error.code === 406,
        `attempt ${attempt}`,
      );
    }
  });
}

test('negotiate() keeps answering right after very many different headers', () => {
  for (let index = 0; index < 2000; index += 1) negotiate(`application/json;x=${index}`);
  assert.equal(negotiate('application/yaml').media, 'yaml');
});
