// `windlass up` with its state in S3 alone: what was acknowledged is there after kill -9, and what is wrong is said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import {
  GATEWAY_ENVIRONMENT,
  missingRadosGateway,
  startRadosGateway,
} from '../support/rados-gateway.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWindlass, Windlass } from '../support/windlass.ts';

test(
  'a control plane whose state is in S3 comes back after kill -9 with all it had acknowledged',
  needs(missingRadosGateway() ?? missingKubectl()),
  async (t) => {
    const gateway = await startRadosGateway();
    t.after(() => gateway[Symbol.asyncDispose]());
    await gateway.createBucket('state');
    const dataDir = `${tempDir()}/data`;
    const url = `s3://state/prod?endpoint=${gateway.endpoint}`;
    const options = {
      dataDir,
      args: ['--no-node', '--no-controllers', '--persistence', url],
      env: GATEWAY_ENVIRONMENT,
    };
    const first = await startWindlass(t, options);
    const kubectl = new Kubectl(first.kubeconfig, dataDir);
    const names = Array.from({ length: 10 }, (_, index) => `kept-${index}`);
    for (const name of names) {
      await kubectl.ok(['create', 'configmap', name, `--from-literal=name=${name}`]);
    }
    await kubectl.ok(['delete', 'configmap', 'kept-0']);
    await kubectl.ok(['create', 'secret', 'generic', 'sealed', '--from-literal=word=swordfish']);
    process.kill(first.pid, 'SIGKILL');
    await first.exited();

    await startWindlass(t, options);
    const found = await kubectl.ok(['get', 'configmaps', '-o', 'name']);
    for (const name of names.slice(1)) assert.ok(found.includes(`configmap/${name}\n`), name);
    assert.ok(!found.includes('configmap/kept-0\n'));
    const word = await kubectl.ok(['get', 'secret', 'sealed', '-o', 'jsonpath={.data.word}']);
    assert.equal(Buffer.from(word, 'base64').toString(), 'swordfish');
  },
);

test(
  'a bucket that is not there, and keys in the URL, end the start with what to do',
  needs(missingRadosGateway()),
  async (t) => {
    const gateway = await startRadosGateway();
    t.after(() => gateway[Symbol.asyncDispose]());
    for (const [url, message] of [
      [`s3://missing/prod?endpoint=${gateway.endpoint}`, /there is no such bucket; create it/],
      ['s3://AKIA:swordfish@state/prod', /Invalid --persistence s3:.*keys never stand in the URL/],
    ] as const) {
      const windlass = new Windlass({
        dataDir: `${tempDir()}/data`,
        args: ['--no-node', '--no-controllers', '--persistence', url],
        env: GATEWAY_ENVIRONMENT,
      });
      assert.notEqual(await windlass.exited(), 0);
      assert.match(windlass.output, message);
      assert.doesNotMatch(windlass.output, /swordfish|\n +at /);
    }
  },
);
