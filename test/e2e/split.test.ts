// The parts as processes of their own: server, controllers and node agent meet only through the API.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { helloManifest } from '../support/hello.ts';
import { httpGet } from '../support/http-poller.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { processesBelow } from '../support/processes.ts';
import { tempDir } from '../support/temp-dir.ts';
import { launcher, startWindlass } from '../support/windlass.ts';

test(
  'controllers and node agent run apart from the server, and metrics name them',
  needs(missingKubectl()),
  async (t) => {
    const folder = tempDir();
    const dataDir = join(folder, 'data');
    const nodeDir = join(folder, 'node');
    t.after(() => {
      for (const pid of processesBelow(nodeDir)) process.kill(pid, 'SIGKILL');
    });
    const up = await startWindlass(t, { dataDir, args: ['--no-controllers', '--no-node'] });
    const part = (...args: readonly string[]): (() => Promise<number | null>) => {
      const child = spawn('node', [launcher, ...args, '--log-level', 'warn'], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const exited = new Promise<number | null>((done) => child.on('exit', done));
      const stop = (): Promise<number | null> => {
        child.kill('SIGTERM');
        return exited;
      };
      t.after(stop);
      return stop;
    };
    const stopControllers = part(
      'controllers',
      '--kubeconfig',
      join(dataDir, 'controllers.kubeconfig'),
    );
    const stopNode = part(
      'node',
      'run',
      '--kubeconfig',
      join(dataDir, 'node.kubeconfig'),
      '--data-dir',
      nodeDir,
    );

    const port = await freePort();
    const kubectl = new Kubectl(up.kubeconfig, dataDir);
    await kubectl.apply(helloManifest({ port }));
    await kubectl.ok(['wait', '--for=condition=Ready', 'wsvc/hello', '--timeout=120s']);
    await eventually('it answers', async () => {
      assert.match((await httpGet(`http://127.0.0.1:${port}`)).body, /^Hello/);
    });
    assert.equal(processesBelow(nodeDir).length, 3);
    assert.equal(await stopNode(), 0);
    assert.deepEqual(processesBelow(nodeDir), []);
    assert.equal(await stopControllers(), 0);
  },
);

test(
  '/metrics holds the families of the server and of the controllers beside it',
  needs(missingKubectl()),
  async (t) => {
    const dataDir = join(tempDir(), 'data');
    const up = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(up.kubeconfig, dataDir);
    const text = await eventually('controllers and agent are counted', async () => {
      const found = await kubectl.ok(['get', '--raw', '/metrics']);
      assert.match(found, /^workqueue_depth\{/m);
      assert.match(found, /^apiserver_request_total\{/m);
      return found;
    });
    const families = text.split('\n').filter((line) => line.startsWith('# TYPE '));
    assert.equal(new Set(families).size, families.length, 'each family is announced once');
  },
);
