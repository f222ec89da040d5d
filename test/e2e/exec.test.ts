// kubectl exec, attach, cp and port-forward on the process runtime, with every kubectl at hand: the old ones speak SPDY, the new ones
// WebSocket. And @kubernetes/client-node, which speaks the older WebSocket protocols.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, suite, test } from 'node:test';
import { Attach, Exec, KubeConfig, PortForward } from '@kubernetes/client-node';
import type { V1Status } from '@kubernetes/client-node';
import { eventually } from '../support/eventually.ts';
import { firstOutput } from '../support/first-output.ts';
import { freePort } from '../support/free-ports.ts';
import { Kubectl, kubectlBinary, missingKubectl } from '../support/kubectl.ts';
import { kubectlBinaries, oldestAndNewest } from '../support/kubectls.ts';
import { needs } from '../support/missing-part.ts';
import { processesBelow } from '../support/processes.ts';
import { attaches, copies, execs, execsInTerminal, forwards } from '../support/sessions.ts';
import type { SessionBench } from '../support/sessions.ts';
import { tempDir } from '../support/temp-dir.ts';
import { endWindlass, startWindlass } from '../support/windlass.ts';
import type { Windlass } from '../support/windlass.ts';

const BODY = 'x'.repeat(2_000_000);
const POD = `
apiVersion: v1
kind: Pod
metadata: { name: box }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: none
      command: [node, -e]
      args:
        - |
          require('node:http').createServer((request, response) => response.end('x'.repeat(2e6))).listen(process.env.PORT, '127.0.0.1');
          setInterval(() => console.log('tick'), 200);
      ports: [{ containerPort: 8080 }]
      env: [{ name: COLOUR, value: blue }]
`;

suite('sessions with a Pod', needs(missingKubectl()), () => {
  let windlass: Windlass;
  let kubectl: Kubectl;
  let dataDir: string;
  const config = new KubeConfig();

  const nothingIsLeft = (): Promise<void> =>
    eventually('only the container runs', () => assert.equal(processesBelow(dataDir).length, 1));

  before(async () => {
    dataDir = `${tempDir()}/data`;
    windlass = await startWindlass({ after: () => undefined }, { dataDir });
    kubectl = new Kubectl(windlass.kubeconfig, dataDir);
    await kubectl.apply(POD);
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/box', '--timeout=120s']);
    config.loadFromFile(windlass.kubeconfig);
    // Whatever began the container has become it, or is gone.
    await nothingIsLeft();
  });
  after(() => endWindlass(windlass));

  const benchOf = (binary: string): SessionBench => ({
    binary,
    environment: kubectl.environment,
    folder: tempDir(),
    pod: 'box',
    port: 8080,
    body: BODY,
  });

  const all = kubectlBinaries();
  // One speaks SPDY, the other WebSocket; those between speak as one of these two.
  const ends = oldestAndNewest();

  for (const binary of all) {
    const isEnd = ends.includes(binary);
    test(`${basename(binary)} execs${isEnd ? ', attaches, copies' : ''} and forwards`, async () => {
      const bench = benchOf(binary);
      await execs(bench);
      await forwards(bench);
      if (isEnd) {
        await execsInTerminal(bench);
        await copies(bench, 'copied');
        await attaches(bench, /tick\n/);
      }
      await nothingIsLeft();
    });

    for (const signal of isEnd ? (['SIGINT', 'SIGKILL'] as const) : (['SIGKILL'] as const)) {
      test(`a command ends when its ${basename(binary)} gets ${signal}`, async () => {
        const args = ['exec', '-i', 'box', '--', 'sh', '-c', 'sleep 999 & echo up; sleep 999'];
        const child = spawn(binary, args, { env: kubectl.environment, stdio: 'pipe' });
        await firstOutput(child);
        child.kill(signal);
        await nothingIsLeft();
      });
    }
  }

  test('a command that does not read its input ends with its kubectl too', async () => {
    for (const binary of all.slice(-1)) {
      const args = ['exec', '-i', 'box', '--', 'sh', '-c', 'echo up; sleep 999'];
      const child = spawn(binary, args, { env: kubectl.environment, stdio: 'pipe' });
      await firstOutput(child);
      child.stdin.on('error', () => undefined).write(Buffer.alloc(20_000_000));
      let seen = { left: 0, times: 0 };
      await eventually('nothing more is taken', () => {
        const left = child.stdin.writableLength;
        seen = { left, times: left === seen.left ? seen.times + 1 : 0 };
        assert.ok(left > 0 && seen.times > 10, `${left} bytes left`);
      });
      child.kill('SIGKILL');
      await nothingIsLeft();
    }
  });

  test('client-node execs', async () => {
    const output = new PassThrough();
    const input = new PassThrough();
    const { promise, resolve } = Promise.withResolvers<V1Status>();
    let text = '';
    output.on('data', (bytes: Buffer) => (text += bytes.toString('utf8')));
    const command = ['sh', '-c', 'cat; exit 6'];
    await new Exec(config).exec(
      'default',
      'box',
      'main',
      command,
      output,
      null,
      input,
      false,
      resolve,
    );
    input.end('from client-node');
    const status = await promise;
    assert.equal(text, 'from client-node');
    assert.equal(status.reason, 'NonZeroExitCode');
    assert.deepEqual(status.details?.causes, [{ reason: 'ExitCode', message: '6' }]);
    await nothingIsLeft();
  });

  test('client-node attaches', async () => {
    const output = new PassThrough();
    const socket = await new Attach(config).attach(
      'default',
      'box',
      'main',
      output,
      null,
      null,
      false,
    );
    await once(output, 'data');
    socket.close();
  });

  test('client-node forwards a port', async () => {
    const output = new PassThrough();
    const errors = new PassThrough();
    const input = new PassThrough();
    let text = '';
    output.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
    await new PortForward(config).portForward('default', 'box', [8080], output, errors, input);
    input.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    await eventually('the whole answer', () => assert.ok(text.endsWith(BODY), text.slice(0, 300)));
  });

  test('the metrics count streams, and none is open in the end', async () => {
    await eventually('no stream is open', async () => {
      const metrics = await kubectl.ok(['get', '--raw', '/metrics']);
      const open = metrics
        .split('\n')
        .filter((line) =>
          /^apiserver_longrunning_requests\{.*subresource="(exec|attach|portforward)"/.test(line),
        );
      assert.ok(open.length >= 3, metrics.slice(0, 200));
      for (const line of open) assert.match(line, / 0$/);
      assert.match(metrics, /apiserver_request_total\{.*subresource="exec".*code="101"/);
    });
  });

  /** A command that sleeps, and what to call when its kubectl shall go. */
  const sleeper = async (): Promise<() => void> => {
    const args = ['exec', '-i', 'box', '--', 'sh', '-c', 'sleep 999 & echo up; sleep 999'];
    const child = spawn(kubectlBinary, args, { env: kubectl.environment, stdio: 'pipe' });
    await firstOutput(child);
    return () => child.kill('SIGKILL');
  };

  /** The server remembers the Pod as ready from before it was killed: only a command that runs shows that its agent is there. */
  const agentIsThere = (): Promise<string> =>
    eventually('the agent takes commands', () => kubectl.ok(['exec', 'box', '--', 'true']));

  test('what sessions of a killed agent left running, the next one ends', async () => {
    const leave = await sleeper();
    process.kill(windlass.pid, 'SIGKILL');
    await windlass.exited();
    leave();
    windlass = await startWindlass({ after: () => undefined }, { dataDir });
    await agentIsThere();
    await nothingIsLeft();
  });

  test('a server that stops ends its sessions, commands and all', async () => {
    const leave = await sleeper();
    const port = await freePort();
    const forward = spawn(kubectlBinary, ['port-forward', 'pod/box', `${port}:8080`], {
      env: kubectl.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await firstOutput(forward);
    assert.equal(await windlass.interrupt(), 0);
    assert.deepEqual(processesBelow(dataDir), []);
    leave();
    forward.kill('SIGKILL');
  });
});
