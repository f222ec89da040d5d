// Two machines in network namespaces of their own: instances reach services by name, wherever those run.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { missingForEngine } from '#controllers/runtimes/docker-engine.test-support.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { helloManifest } from '../support/hello.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { startMachineEngine } from '../support/machine-engine.ts';
import { missingForMachines, startMachines } from '../support/machines.ts';
import type { Machines } from '../support/machines.ts';
import { needs } from '../support/missing-part.ts';
import { NodeAgent } from '../support/node-agents.ts';
import { tempDir } from '../support/temp-dir.ts';
import { projectRoot, startWindlass } from '../support/windlass.ts';

const missing = missingForMachines() ?? missingKubectl();
const missingEngine = await missingForEngine();
const PROGRAM = readFileSync(join(projectRoot, 'test/support/name-client.mjs'), 'utf8');

class Fleet {
  readonly kubectl: Kubectl;
  readonly machines: Machines;
  readonly agents: readonly NodeAgent[];

  private constructor(kubectl: Kubectl, machines: Machines, agents: readonly NodeAgent[]) {
    this.kubectl = kubectl;
    this.machines = machines;
    this.agents = agents;
  }

  static async start(t: TestContext, runtime: 'process' | 'docker' = 'process'): Promise<Fleet> {
    const folder = tempDir();
    const serverData = join(folder, 'data');
    const machines = startMachines(t, 2);
    const args = ['--no-node', '--bind', machines.gateway];
    const up = await startWindlass(t, { dataDir: serverData, args });
    const agents: NodeAgent[] = [];
    for (const [index, machine] of machines.all.entries()) {
      const env =
        runtime === 'docker'
          ? { DOCKER_HOST: await startMachineEngine(machines, machine, folder) }
          : {};
      const place = { machine, node: `m${index}`, serverData, folder };
      agents.push(NodeAgent.start(machines, { ...place, env, args: ['--runtime', runtime] }));
    }
    const kubectl = new Kubectl(up.kubeconfig, serverData);
    // A service on machines that nobody knows yet is complete with no instance.
    await eventually('both nodes are ready', () =>
      kubectl.ok(['wait', '--for=condition=Ready', 'node/m0', 'node/m1', '--timeout=120s']),
    );
    return new Fleet(kubectl, machines, agents);
  }

  /** `hello` on these machines, rolled out. */
  async hello(
    nodes: readonly string[],
    greeting = 'Hello from Windlass',
    more = {},
  ): Promise<void> {
    // One on each of them.
    const placement = `  mode: Global\n  placement: {nodes: [${nodes.join(', ')}]}\n  template:`;
    const replace = { '  template:': placement, ...more };
    await this.kubectl.apply(
      helloManifest({ port: await freePort(), greeting, replicas: nodes.length, replace }),
    );
  }

  ready(service: string): Promise<string> {
    return this.kubectl.ok(['wait', '--for=condition=Ready', `wsvc/${service}`, '--timeout=120s']);
  }

  /** Waits until both instances are of the revision with this greeting, and the client has met it. */
  async rolledOut(greeting: string): Promise<void> {
    const fields = ['updatedReplicas', 'readyReplicas', 'replicas'];
    const format = fields.map((field) => `{.status.${field}}`).join(' ');
    await eventually(
      `${greeting} is rolled out`,
      async () => {
        const args = ['get', 'wsvc', 'hello', '-o', `jsonpath=${format}`];
        assert.equal(await this.kubectl.ok(args), '2 2 2');
        assert.ok((await this.said()).some((line) => line.startsWith(`answer ${greeting}`)));
      },
      60_000,
    );
  }

  /** An instance on m0 that keeps asking `hello` by its name. */
  async client(lookups: readonly string[] = []): Promise<void> {
    const env = [
      { name: 'TARGET', value: 'hello.default.internal' },
      { name: 'LOOKUPS', value: lookups.join(',') },
    ];
    const template = {
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: 'c',
            image: 'node:26-slim',
            command: ['node', 'app/client.mjs'],
            env,
            volumeMounts: [{ name: 'p', mountPath: '/app' }],
          },
        ],
        volumes: [{ name: 'p', configMap: { name: 'client' } }],
      },
    };
    const objects = [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'client' },
        data: { 'client.mjs': PROGRAM },
      },
      {
        apiVersion: 'windlass.dev/v1alpha1',
        kind: 'Service',
        metadata: { name: 'client' },
        spec: { replicas: 1, placement: { nodes: ['m0'] }, template },
      },
    ];
    await this.kubectl.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    await this.ready('client');
  }

  /** What the client has said so far, in order. */
  async said(): Promise<readonly string[]> {
    const text = await this.kubectl.ok(['logs', '-l', 'windlass.dev/service=client', '--tail=-1']);
    return text.trim().split('\n');
  }

  async failures(): Promise<readonly string[]> {
    return (await this.said()).filter((line) => line.startsWith('failure'));
  }

  async answered(): Promise<number> {
    const last = (await this.said()).findLast((line) => line.startsWith('answered'));
    return Number(last?.split(' ')[1] ?? 0);
  }

  /** More requests are answered from now on. */
  async goesOn(count = 40): Promise<void> {
    const before = await this.answered();
    await eventually('requests are answered', async () => {
      assert.ok(
        (await this.answered()) >= before + count,
        (await this.said()).slice(-5).join('\n'),
      );
    });
  }
}

test(
  'an instance reaches a service of another machine by name, over mutual TLS',
  needs(missing),
  async (t) => {
    const fleet = await Fleet.start(t);
    const { bridge, all } = fleet.machines;
    const capture = join(tempDir(), 'wire');
    const tap = spawn('tcpdump', ['-i', bridge, '-U', '-w', capture, 'tcp port 6444'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await once(tap.stderr, 'data');
    await fleet.hello(['m1']);
    await fleet.ready('hello');
    const names = [
      'hello',
      'hello.default',
      'hello.default.svc.internal',
      'nothing.default.internal',
      'HELLO.Default.Internal',
    ];
    await fleet.client(names);
    await fleet.goesOn();
    const said = await fleet.said();
    assert.deepEqual(await fleet.failures(), []);
    assert.ok(
      said.some((line) => line.startsWith('answer Hello from Windlass (hello-')),
      said.join('\n'),
    );
    const address = /^lookup hello (127\.\S+)$/m.exec(said.join('\n'))?.[1];
    assert.ok(address !== undefined, said.join('\n'));
    for (const name of names)
      assert.ok(
        said.includes(`lookup ${name} ${name.startsWith('nothing') ? 'ENOTFOUND' : address}`),
        name,
      );
    assert.ok(said.includes(`variable HELLO_SERVICE_HOST ${address}`));
    assert.match(said.join('\n'), /^variable HELLO_SERVICE_PORT_HTTP 1\d{4}$/m);

    tap.kill('SIGTERM');
    await once(tap, 'exit');
    const wire = readFileSync(capture);
    assert.ok(wire.length > 20_000, 'much was captured');
    for (const plain of ['Hello from Windlass', 'GET / HTTP', 'hello-', '"open":"connect"'])
      assert.equal(wire.indexOf(plain), -1, plain);

    // A peer without a certificate is refused: not a byte comes back.
    const [m0, m1] = all;
    const script = `const s = require('tls').connect({ host: '${m1?.address}', port: 6444, rejectUnauthorized: false, ALPNProtocols: ['windlass-peer/1'] });
    let n = 0; s.on('data', (d) => n += d.length).on('error', () => 0).on('close', () => console.log('bytes ' + n));
    s.on('secureConnect', () => s.write('{"open":"link"}\\n'));`;
    assert.equal(m0?.run(['node', '-e', script]).trim(), 'bytes 0');
  },
);

test(
  'what is not ready gets nothing; a rolling update over machines costs no request; a dead agent is left out',
  needs(missing),
  async (t) => {
    const fleet = await Fleet.start(t);
    await fleet.hello(['m0', 'm1'], 'First', {
      'httpGet:\n              path: /ready\n              port: http':
        'exec: {command: ["false"]}',
    });
    await fleet.kubectl.apply('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: unrelated}\n');
    await eventually('two instances run, none is ready', async () => {
      const text = await fleet.kubectl.ok([
        'get',
        'pods',
        '-l',
        'windlass.dev/service=hello',
        '--no-headers',
      ]);
      assert.ok((text.match(/ 0\/1 +Running /g)?.length ?? 0) >= 1, text);
    });
    await fleet.client(['hello.default.internal']);
    await eventually('nothing is found', async () => {
      const said = await fleet.said();
      assert.ok(
        said.includes('lookup hello.default.internal ENOTFOUND') ||
          said.some((line) => /lookup .* ENODATA/.test(line)),
        said.join('\n'),
      );
      assert.ok(!said.some((line) => line.startsWith('answer ')));
    });
    await fleet.hello(['m0', 'm1'], 'First');
    await fleet.ready('hello');
    await fleet.goesOn();
    const before = (await fleet.failures()).length;

    await fleet.hello(['m0', 'm1'], 'Second');
    await fleet.rolledOut('Second');
    await fleet.goesOn(100);
    assert.deepEqual((await fleet.failures()).slice(before), []);

    const pods = await fleet.kubectl.ok([
      'get',
      'pods',
      '-l',
      'windlass.dev/service=hello',
      '-o',
      'jsonpath={range .items[*]}{.spec.nodeName} {.metadata.name}{"\\n"}{end}',
    ]);
    assert.equal(
      new Set(
        pods
          .trim()
          .split('\n')
          .map((line) => line.split(' ')[0]),
      ).size,
      2,
      pods,
    );
    await fleet.agents[1]?.kill();
    await fleet.goesOn(200);
    const lost = (await fleet.failures()).slice(before);
    // What was under way at that moment.
    assert.ok(lost.length <= 2, lost.join('\n'));
  },
);

test(
  'in containers: by name over machines, and an update without a failed request',
  needs(missing ?? missingEngine),
  async (t) => {
    const fleet = await Fleet.start(t, 'docker');
    await fleet.hello(['m0', 'm1'], 'First');
    await fleet.ready('hello');
    await fleet.client(['hello', 'hello.default.internal', 'nothing.default.internal']);
    await fleet.goesOn();
    const said = (await fleet.said()).join('\n');
    const address = /^lookup hello (198\.18\.\S+)$/m.exec(said)?.[1];
    assert.ok(address !== undefined, said);
    assert.match(said, new RegExp(`^variable HELLO_SERVICE_HOST ${address}$`, 'm'));
    assert.match(said, /^lookup nothing.default.internal ENOTFOUND$/m);
    const answers = said.split('\n').filter((line) => line.startsWith('answer First'));
    assert.equal(answers.length, 2, 'instances of both machines answer');
    await fleet.hello(['m0', 'm1'], 'Second');
    await fleet.rolledOut('Second');
    await fleet.goesOn(100);
    assert.deepEqual(await fleet.failures(), []);
  },
);
