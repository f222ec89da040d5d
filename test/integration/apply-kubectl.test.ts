// Server-side apply by the real kubectl: who owns what, conflicts, force, diff, the way from its older apply, and what its other
// commands take.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { CommandResult } from '../support/command.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { tempDir } from '../support/temp-dir.ts';

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
}

const configMap = (name: string, data: object): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });

const deployment = (image: string, more: object = {}): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image }] },
      },
      ...more,
    },
  });

suite('kubectl apply --server-side', needs(missingKubectl()), () => {
  let kubectl: Kubectl;
  const afters: (() => unknown)[] = [];

  before(async () => {
    const plane = await TestControlPlane.start({ after: (fn) => afters.push(fn as () => unknown) });
    kubectl = new Kubectl(plane.kubeconfig, tempDir());
  });
  after(async () => {
    for (const stop of afters) await stop();
  });

  const apply = (manifest: string, ...flags: string[]): Promise<CommandResult> =>
    kubectl.run(['apply', '--server-side', ...flags, '-f', '-'], { input: manifest });

  async function owners(...what: string[]): Promise<string[]> {
    const { metadata } = await kubectl.json<{ metadata: { managedFields: Entry[] } }>([
      'get',
      ...what,
      '--show-managed-fields',
    ]);
    return metadata.managedFields.map(({ manager, operation, subresource = '' }) =>
      [manager, operation, subresource].filter(Boolean).join(' '),
    );
  }

  test('managers, conflicts and force', async () => {
    assert.equal((await apply(configMap('a', { k: 'v' }))).code, 0);
    assert.deepEqual(await owners('configmap', 'a'), ['kubectl Apply']);
    const refused = await apply(configMap('a', { k: 'w' }), '--field-manager=other');
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /Apply failed with 1 conflict: conflict with "kubectl": \.data\.k/,
    );
    const forced = await apply(
      configMap('a', { k: 'w' }),
      '--field-manager=other',
      '--force-conflicts',
    );
    assert.equal(forced.code, 0, forced.stderr);
    assert.deepEqual(await owners('configmap', 'a'), ['other Apply']);
  });

  test('diff shows what an apply would do, and does nothing', async () => {
    await apply(configMap('b', { k: 'v' }));
    const { code, stdout } = await kubectl.run(['diff', '--server-side', '-f', '-'], {
      input: configMap('b', { k: 'w' }),
    });
    assert.equal(code, 1);
    assert.match(stdout, /-\s+k: v\n\+\s+k: w/);
    assert.equal(await kubectl.ok(['get', 'cm', 'b', '-o', 'jsonpath={.data.k}']), 'v');
  });

  test('goes on from the older apply without conflicts', async () => {
    await kubectl.apply(configMap('c', { k: 'v', l: 'v' }));
    assert.deepEqual(await owners('configmap', 'c'), ['kubectl-client-side-apply Update']);
    const upgraded = await apply(configMap('c', { k: 'w' }));
    assert.equal(upgraded.code, 0, upgraded.stderr);
    assert.equal(await kubectl.ok(['get', 'cm', 'c', '-o', 'jsonpath={.data}']), '{"k":"w"}');
  });

  test('scale and set take fields; an apply that names them is in conflict', async () => {
    assert.equal((await apply(deployment('a:1', { replicas: 1 }))).code, 0);
    await kubectl.ok(['scale', 'deployment', 'web', '--replicas=3']);
    assert.ok((await owners('deployment', 'web')).includes('kubectl Update scale'));
    const refused = await apply(deployment('a:1', { replicas: 1 }));
    assert.match(
      refused.stderr,
      /conflict with "kubectl" with subresource "scale" using apps\/v1: \.spec\.replicas/,
    );
    await kubectl.ok(['set', 'image', 'deployment/web', 'web=a:2']);
    const image = await apply(deployment('a:1'));
    assert.match(
      image.stderr,
      /conflict with "kubectl-set" using apps\/v1: \.spec\.template\.spec\.containers\[name="web"\]\.image/,
    );
    // Whoever leaves the count out leaves it to the scaler.
    const left = await apply(deployment('a:2'));
    assert.equal(left.code, 0, left.stderr);
    assert.equal(
      await kubectl.ok(['get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}']),
      '3',
    );
  });
});
