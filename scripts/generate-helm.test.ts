import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderCRDs, root } from './generate-crds.ts';
import { renderHelm } from './generate-helm.ts';

test('deploy/helm holds exactly what the generators write', async () => {
  const folder = join('deploy', 'helm');
  const rendered = new Map([...renderCRDs(), ...(await renderHelm())]);
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  const present = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  const expected = [...rendered.keys()].filter((path) => path.startsWith(folder));
  assert.deepEqual(present.toSorted(), expected.toSorted());
  for (const path of expected)
    assert.equal(
      await readFile(join(root, path), 'utf8'),
      rendered.get(path),
      `${path} is out of date: node scripts/generate-helm.ts`,
    );
});
