// kubectl exec, attach, cp and port-forward into containers of a real Docker Engine, with the oldest and the newest kubectl at hand.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import {
  missingForEngine,
  startEngine,
  TEST_IMAGE,
} from '#controllers/runtimes/docker-engine.test-support.ts';
import { outputOf } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { firstOutput } from '../support/first-output.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { oldestAndNewest } from '../support/kubectls.ts';
import { needs } from '../support/missing-part.ts';
import { attaches, copies, execs, execsInTerminal, forwards } from '../support/sessions.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWindlass } from '../support/windlass.ts';

const missing = (await missingForEngine()) ?? missingKubectl();
const BODY = 'x'.repeat(100_000);
const POD = `
apiVersion: v1
kind: Pod
metadata: { name: box }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: ${TEST_IMAGE}
      imagePullPolicy: Never
      command: [sh, -c]
      args:
        - |
          printf %0100000d 0 | tr 0 x > /tmp/index.html
          busybox httpd -p 8080 -h /tmp
          while :; do echo tick; sleep 0.2; done
      env: [{ name: COLOUR, value: blue }]
`;

test('sessions with a Pod in Docker', needs(missing), async (t) => {
  const folder = tempDir();
  const dataDir = `${folder}/data`;
  const engine = await startEngine();
  t.after(() => engine.close());
  const windlass = await startWindlass(t, {
    dataDir,
    args: ['--runtime', 'docker'],
    env: { DOCKER_HOST: engine.host },
  });
  const kubectl = new Kubectl(windlass.kubeconfig, dataDir);
  await kubectl.apply(POD);
  await kubectl.ok(['wait', '--for=condition=Ready', 'pod/box', '--timeout=120s']);
  const id = await kubectl.ok([
    'get',
    'pod',
    'box',
    '-o',
    'jsonpath={.status.containerStatuses[0].containerID}',
  ]);
  for (const binary of oldestAndNewest()) {
    const bench = {
      binary,
      environment: kubectl.environment,
      folder,
      pod: 'box',
      port: 8080,
      body: BODY,
    };
    await execs(bench);
    await execsInTerminal(bench, 'after');
    await copies(bench, '/tmp/copied');
    await forwards(bench);
    await attaches(bench, /tick\n/);
    for (const flags of [['-i'], ['-it']]) {
      const command = ['sh', '-c', 'echo up; exec sleep 4711'];
      const args = ['exec', ...flags, 'box', '--', ...command];
      const child = spawn(binary, args, { env: kubectl.environment, stdio: 'pipe' });
      await firstOutput(child);
      child.kill('SIGKILL');
      await eventually('the command is killed', async () => {
        const top = await outputOf('docker', [
          '-H',
          engine.host,
          'top',
          id.replace('docker://', ''),
        ]);
        assert.match(top, /httpd/);
        assert.doesNotMatch(top, /sleep 4711/);
      });
    }
  }
  await kubectl.ok(['delete', 'pod', 'box', '--grace-period=1']);
});
