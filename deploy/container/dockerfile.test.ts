// The image and what the package says must not drift apart.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

test('the image has the Node that the package is pinned to', () => {
  const { optionalDependencies } = JSON.parse(read('package.json')) as {
    readonly optionalDependencies: Readonly<Record<string, string>>;
  };
  const [, version] =
    /^ARG NODE_IMAGE=node:([\d.]+)-slim$/m.exec(read('deploy/container/Dockerfile')) ?? [];
  assert.ok(version !== undefined);
  for (const [name, pinned] of Object.entries(optionalDependencies))
    assert.equal(version, pinned, name);
});
