// The artifact example as its README says, and the commands: a whole server, real kubectl, files on disk.
import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256Hex } from '../support/artifact-server.ts';
import { runCommand } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { tempDir } from '../support/temp-dir.ts';
import { launcher, projectRoot, startWindlass } from '../support/windlass.ts';

test(
  'the artifact example: new version, wrong digest, damage, a bundle',
  needs(missingKubectl()),
  async (t) => {
    const folder = tempDir();
    const dataDir = join(folder, 'data');
    const example = join(folder, 'example');
    cpSync(join(projectRoot, 'deploy', 'examples', 'artifact'), example, { recursive: true });
    const manifest = join(example, 'artifact.yaml');
    const original = readFileSync(manifest, 'utf8');
    const greet = (version: string): string =>
      readFileSync(join(example, 'files', `greet-${version}`), 'utf8');
    const [first, second] = [sha256Hex(greet('1.0')), sha256Hex(greet('2.0'))];
    const up = await startWindlass(t, { dataDir, args: ['--no-node', '--manifests', example] });
    const kubectl = new Kubectl(up.kubeconfig, dataDir);
    const windlass = (...args: readonly string[]) =>
      runCommand(process.execPath, [launcher, 'artifact', ...args, '--data-dir', dataDir]);
    const kept = (digest: string): string =>
      readFileSync(join(dataDir, 'artifacts', 'sha256', digest), 'utf8');

    await eventually('it is applied', () => kubectl.ok(['get', 'artifact', 'greet']));
    await kubectl.ok(['wait', '--for=condition=Ready', 'artifact/greet', '--timeout=120s']);
    assert.equal(kept(first), greet('1.0'));
    assert.match(await kubectl.ok(['get', 'art']), /^greet +1\.0 +True +Stored +\d+ /m);
    assert.match((await windlass('status')).stdout, /greet +1\.0 +True/);

    const next = original
      .replace("'1.0'", "'2.0'")
      .replace('greet-1.0', 'greet-2.0')
      .replace(first, second);
    writeFileSync(manifest, next);
    await eventually('the new version', async () => {
      const digest = await kubectl.ok(['get', 'art', 'greet', '-o', 'jsonpath={.status.digest}']);
      assert.equal(digest, `sha256:${second}`);
    });
    assert.equal(kept(first), greet('1.0'));
    writeFileSync(manifest, next.replace(second, 'f'.repeat(64)));
    await kubectl.ok([
      'wait',
      '--for=jsonpath={.status.conditions[?(@.type=="Ready")].reason}=ChecksumMismatch',
      'art/greet',
      '--timeout=120s',
    ]);
    assert.equal(kept(second), greet('2.0'));
    const status = await windlass('status');
    assert.equal(status.code, 1);
    assert.match(status.stdout, /default\/greet: ChecksumMismatch: .*should be f{64}/);

    assert.equal((await windlass('verify')).code, 0);
    truncateSync(join(dataDir, 'artifacts', 'sha256', first), 3);
    const damaged = await windlass('verify');
    assert.equal(damaged.code, 1);
    assert.match(damaged.stdout, new RegExp(`sha256:${first} was damaged`));

    writeFileSync(manifest, original);
    await kubectl.ok(['wait', '--for=condition=Ready', 'artifact/greet', '--timeout=120s']);
    await eventually('it is whole again', () => assert.equal(kept(first), greet('1.0')));
    const bundle = join(folder, 'tools.tar');
    const made = await windlass(
      'bundle',
      'create',
      bundle,
      '-f',
      example,
      '--store',
      join(folder, 'other'),
    );
    assert.equal(made.code, 0, made.stderr);
    const imported = await windlass('bundle', 'import', bundle, '--store', join(folder, 'third'));
    assert.match(imported.stdout, /1 files verified, 1 of them new/);
    assert.deepEqual(readdirSync(join(folder, 'third', 'sha256')), [first]);
    const fetched = await windlass('fetch', '-f', example, '--store', join(folder, 'third'));
    assert.match(fetched.stdout, new RegExp(`greet: sha256:${first}, .*there already`));
    const pruned = await windlass('prune');
    assert.equal(pruned.code, 0, pruned.stderr);
    assert.equal(kept(first), greet('1.0'));
  },
);
