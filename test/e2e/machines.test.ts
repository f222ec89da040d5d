// Machines that come and go: two node agents on one server, one of them killed, drained, brought back.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { freePort, helloManifest } from '../support/hello.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { processesBelow } from '../support/processes.ts';
import { tempDir } from '../support/temp-dir.ts';
import { Traffic } from '../support/traffic.ts';
import { projectRoot, startWindlass } from '../support/windlass.ts';
import type { Windlass } from '../support/windlass.ts';

const SECOND = 'second';
/** A silent machine is noticed after 40 s. */
const LOST_MS = 90_000;

interface Pods {
  readonly items: readonly {
    readonly metadata: { readonly deletionTimestamp?: string };
    readonly spec: { readonly nodeName?: string };
    readonly status: { readonly conditions?: readonly { type: string; status: string }[] };
  }[];
}

/** One server with its own machine, and a second machine whose agent is a process of its own. */
class Machines {
  readonly folder: string = tempDir();
  readonly up: Windlass;
  readonly kubectl: Kubectl;
  readonly first: string;
  /** Of the second machine. */
  readonly kubeconfig = join(tempDir(), 'second.kubeconfig');
  #agent: ChildProcess | undefined;

  private constructor(up: Windlass, kubectl: Kubectl, first: string) {
    this.up = up;
    this.kubectl = kubectl;
    this.first = first;
  }

  static async start(t: TestContext): Promise<Machines> {
    const dataDir = join(tempDir(), 'data');
    const up = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(up.kubeconfig, dataDir);
    const first = await eventually('the first machine is there', async () => {
      const name = await kubectl.ok(['get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}']);
      assert.notEqual(name, '');
      return name;
    });
    const machines = new Machines(up, kubectl, first);
    // Of its own, as a machine has: only nodes lead to each other's instances.
    const write = ['node', 'kubeconfig', SECOND, '--data-dir', dataDir, '-o', machines.kubeconfig];
    execFileSync(process.execPath, [join(projectRoot, 'cli', 'main.ts'), ...write]);
    t.after(() => {
      machines.kill();
      for (const pid of processesBelow(machines.folder)) process.kill(pid, 'SIGKILL');
    });
    machines.join();
    await eventually('the second machine is there', () =>
      kubectl.ok(['wait', '--for=condition=Ready', 'node', SECOND, '--timeout=1s']),
    );
    return machines;
  }

  /** Starts the agent of the second machine, without the launcher, so that it can be killed for good. */
  join(): void {
    const args = ['--node-name', SECOND, '--data-dir', this.folder, '--log-level', 'error'];
    this.#agent = spawn(
      process.execPath,
      [
        join(projectRoot, 'cli', 'main.ts'),
        'node',
        'run',
        '--kubeconfig',
        this.kubeconfig,
        ...args,
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
  }

  kill(): void {
    this.#agent?.kill('SIGKILL');
  }

  /** Ready instances by node, without those that are going. */
  async spread(): Promise<Readonly<Record<string, number>>> {
    const { items } = await this.kubectl.json<Pods>(['get', 'pods']);
    const counts: Record<string, number> = {};
    for (const { metadata, spec, status } of items) {
      const isReady = status.conditions?.some(
        ({ type, status: is }) => type === 'Ready' && is === 'True',
      );
      if (metadata.deletionTimestamp !== undefined || isReady !== true) continue;
      counts[spec.nodeName ?? ''] = (counts[spec.nodeName ?? ''] ?? 0) + 1;
    }
    return counts;
  }

  isSpread(expected: Readonly<Record<string, number>>, timeoutMs?: number): Promise<void> {
    return eventually(
      `instances are at ${JSON.stringify(expected)}`,
      async () => assert.deepEqual(await this.spread(), expected),
      timeoutMs,
    );
  }
}

const HASTY = `
      tolerations:
        - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 1}
        - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 1}
      containers:`;

function manifest(port: number): string {
  return helloManifest({ port, replicas: 4, replace: { '\n      containers:': HASTY } });
}

test(
  'a machine whose agent dies loses its instances to the other one; it comes back, and what is too much goes',
  needs(missingKubectl()),
  async (t) => {
    const machines = await Machines.start(t);
    const { kubectl, first } = machines;
    await kubectl.apply(manifest(await freePort()));
    await machines.isSpread({ [first]: 2, [SECOND]: 2 });
    const left = processesBelow(machines.folder);
    assert.equal(left.length, 2);

    machines.kill();
    await machines.isSpread({ [first]: 4 }, LOST_MS);
    assert.match(await kubectl.ok(['get', 'node', SECOND]), /NotReady/);
    assert.deepEqual(processesBelow(machines.folder), left, 'nobody is there to stop them');

    machines.join();
    await eventually('what it ran is stopped', () =>
      assert.deepEqual(processesBelow(machines.folder), []),
    );
    await kubectl.ok(['wait', '--for=condition=Ready', 'node', SECOND, '--timeout=30s']);
    await eventually('four instances are left', async () => {
      const { items } = await kubectl.json<Pods>(['get', 'pods']);
      assert.equal(items.length, 4);
    });
    await eventually('it takes instances again', async () => {
      const taints = await kubectl.ok(['get', 'node', SECOND, '-o', 'jsonpath={.spec.taints}']);
      assert.equal(taints, '');
    });
    await kubectl.ok(['scale', 'wsvc', 'hello', '--replicas=6']);
    await machines.isSpread({ [first]: 4, [SECOND]: 2 });
  },
);

test(
  'kubectl drain moves a service within its budget while it answers every request',
  needs(missingKubectl()),
  async (t) => {
    const machines = await Machines.start(t);
    const { kubectl, first } = machines;
    const port = await freePort();
    await kubectl.apply(manifest(port));
    await machines.isSpread({ [first]: 2, [SECOND]: 2 });
    await kubectl.ok([
      'create',
      'pdb',
      'hello',
      '--selector=windlass.dev/service=hello',
      '--min-available=1',
    ]);
    await eventually('it is counted', async () => {
      const text = await kubectl.ok(['get', 'pdb', 'hello', '--no-headers']);
      assert.match(text, /^hello +1 +N\/A +3 /);
    });

    const traffic = new Traffic(port);
    t.after(() => traffic.stop());
    await eventually('it answers', () => assert.ok(traffic.answered > 100));
    const output = await kubectl.ok(['drain', SECOND, '--delete-emptydir-data', '--timeout=60s']);
    assert.match(output, /^node\/second cordoned\n/);
    assert.equal(output.match(/^pod\/hello-\w+ evicted$/gm)?.length, 2, output);
    assert.match(output, /node\/second drained\n$/);
    assert.deepEqual(processesBelow(machines.folder), []);
    await machines.isSpread({ [first]: 4 });
    await traffic.stop();
    assert.deepEqual(traffic.failures, []);

    await kubectl.ok([
      'patch',
      'pdb',
      'hello',
      '--type=merge',
      '-p',
      '{"spec":{"minAvailable":4}}',
    ]);
    await kubectl.ok(['uncordon', SECOND]);
    const refused = await kubectl.run(['drain', first, '--delete-emptydir-data', '--timeout=8s']);
    assert.notEqual(refused.code, 0);
    assert.match(
      refused.stderr,
      /Cannot evict pod as it would violate the pod's disruption budget/,
    );
    await machines.isSpread({ [first]: 4 });
  },
);
