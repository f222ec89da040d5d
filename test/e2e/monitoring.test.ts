// deploy/monitoring with a real Prometheus: rules and panels are of metrics that are there, and a healthy server raises no alarm.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { panelExpressions } from '../../scripts/generate-dashboards.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { helloManifest } from '../support/hello.ts';
import { httpGet } from '../support/http-poller.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { tempDir } from '../support/temp-dir.ts';
import { projectRoot, startWindlass } from '../support/windlass.ts';

const folder = join(projectRoot, 'deploy', 'monitoring');
const missing =
  missingKubectl() ??
  (spawnSync('promtool', ['--version']).status === 0 ? undefined : 'no prometheus on the PATH');

interface Rule {
  readonly name: string;
  readonly query: string;
  readonly type: 'alerting' | 'recording';
  readonly health: string;
  readonly lastError?: string;
  readonly state?: string;
}

/** The project's configuration, for this server and in a hurry. */
function configure(url: string, token: string, authority: string): string {
  const target = tempDir();
  copyFileSync(join(folder, 'rules.yaml'), join(target, 'rules.yaml'));
  copyFileSync(authority, join(target, 'ca.crt'));
  writeFileSync(join(target, 'token'), token, { mode: 0o600 });
  const text = readFileSync(join(folder, 'prometheus.yaml'), 'utf8');
  const changed = text
    .replaceAll('127.0.0.1:6443', new URL(url).host)
    .replaceAll('_interval: 15s', '_interval: 1s');
  assert.notEqual(changed, text);
  writeFileSync(join(target, 'prometheus.yaml'), changed);
  return target;
}

async function startPrometheus(t: TestContext, config: string): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(config, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(config, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const exited = new Promise((done) => child.on('exit', done));
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const url = `http://${address}`;
  await eventually('Prometheus is ready', async () => {
    assert.equal((await httpGet(`${url}/-/ready`)).status, 200);
  });
  return url;
}

async function ask<T>(prometheus: string, path: string): Promise<T> {
  const { body } = await httpGet(`${prometheus}/api/v1/${path}`);
  const answer = JSON.parse(body) as { readonly status: string; readonly data: T; error?: string };
  assert.equal(answer.status, 'success', `${path}: ${answer.error}`);
  return answer.data;
}

suite('monitoring', needs(missing), () => {
  test('promtool finds the rules right, each alert fires when it should and none in a healthy hour', () => {
    const promtool = (...args: readonly string[]): string =>
      execFileSync('promtool', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
    assert.match(promtool('check', 'rules', 'rules.yaml'), /SUCCESS/);
    assert.match(promtool('test', 'rules', 'rules.test.yaml'), /SUCCESS/);
  });

  test('every panel and every rule finds what it asks for, and a healthy server raises no alarm', async (t) => {
    const dataDir = join(tempDir(), 'data');
    const up = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(up.kubeconfig, dataDir);
    const port = await freePort();
    await kubectl.apply(helloManifest({ port }));
    const account = ['-n', 'kube-system', 'serviceaccount', 'prometheus'];
    await kubectl.ok(['create', ...account]);
    await kubectl.ok([
      'create',
      'clusterrolebinding',
      'prometheus',
      '--clusterrole=system:monitoring',
      '--serviceaccount=kube-system:prometheus',
    ]);
    const token = await kubectl.ok(['create', 'token', '-n', 'kube-system', 'prometheus']);
    const url = (
      await kubectl.ok(['config', 'view', '-o', 'jsonpath={.clusters[0].cluster.server}'])
    ).trim();
    const config = configure(url, token.trim(), join(dataDir, 'pki', 'ca.crt'));
    const prometheus = await startPrometheus(t, config);
    await kubectl.ok(['wait', '--for=condition=Ready', 'wsvc/hello', '--timeout=60s']);

    for (const expression of panelExpressions()) {
      await eventually(`data for ${expression}`, async () => {
        const path = `query?query=${encodeURIComponent(expression)}`;
        const { result } = await ask<{ readonly result: readonly unknown[] }>(prometheus, path);
        assert.ok(result.length > 0, 'no data');
      });
    }
    const rules = await eventually('all rules were evaluated', async () => {
      const { groups } = await ask<{
        readonly groups: readonly { readonly rules: readonly Rule[] }[];
      }>(prometheus, 'rules');
      const all = groups.flatMap((group) => group.rules);
      for (const { name, health, lastError } of all)
        assert.equal(health, 'ok', `${name}: ${lastError}`);
      return all;
    });
    assert.ok(rules.length >= 20);
    assert.deepEqual(
      rules.filter(({ state }) => state === 'firing').map(({ name }) => name),
      [],
    );
    for (const { name, type } of rules.filter((rule) => rule.type === 'recording')) {
      assert.equal(type, 'recording');
      await eventually(`data for ${name}`, async () => {
        const path = `query?query=${encodeURIComponent(name)}`;
        const { result } = await ask<{ readonly result: readonly unknown[] }>(prometheus, path);
        assert.ok(result.length > 0, 'no data');
      });
    }
    const health = await ask<{ readonly result: readonly unknown[] }>(
      prometheus,
      `query?query=${encodeURIComponent('kubernetes_healthcheck{type="readyz"} == 1')}`,
    );
    assert.ok(health.result.length >= 3);
  });
});
