// A server with its own machine, and a second machine that can be killed, frozen and brought back.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { eventually } from './eventually.ts';
import { Kubectl } from './kubectl.ts';
import { processesBelow } from './processes.ts';
import { tempDir } from './temp-dir.ts';
import { projectRoot, startWindlass } from './windlass.ts';
import type { Windlass } from './windlass.ts';

/** Name of the second machine. */
export const SECOND = 'second';
/** A silent machine is noticed after 40 s. */
export const LOST_MS = 90_000;

export interface PodList {
  readonly items: readonly {
    readonly metadata: {
      readonly name: string;
      readonly uid: string;
      readonly deletionTimestamp?: string;
      readonly labels?: Readonly<Record<string, string>>;
    };
    readonly spec: { readonly nodeName?: string };
    readonly status: {
      readonly conditions?: readonly { type: string; status: string }[];
      readonly containerStatuses?: readonly { readonly restartCount: number }[];
    };
  }[];
}

/** One server with its own machine, and a second machine whose agent is a process of its own. */
export class TwoMachines {
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

  static async start(t: TestContext): Promise<TwoMachines> {
    const dataDir = join(tempDir(), 'data');
    const up = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(up.kubeconfig, dataDir);
    const first = await eventually('the first machine is there', async () => {
      const name = await kubectl.ok(['get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}']);
      assert.notEqual(name, '');
      return name;
    });
    const machines = new TwoMachines(up, kubectl, first);
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

  /** Its agent does nothing any more, as on a machine that is suspended; what it has started goes on. */
  freeze(): void {
    this.#agent?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#agent?.kill('SIGCONT');
  }

  /** Ready instances by node, without those that are going. */
  async spread(): Promise<Readonly<Record<string, number>>> {
    const { items } = await this.kubectl.json<PodList>(['get', 'pods']);
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
