// Node agents on machines of a test: `windlass node run` in each, with the kubeconfig that `windlass node kubeconfig` makes.
import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Machine, Machines } from './machines.ts';
import { isRunning, processesBelow } from './processes.ts';
import { launcher, projectRoot } from './windlass.ts';

export interface NodeAgentOptions {
  readonly machine: Machine;
  readonly node: string;
  /** Data directory of the server. */
  readonly serverData: string;
  readonly folder: string;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** One of them; ended after the test with all that it started. */
export class NodeAgent {
  readonly dataDir: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  #output = '';

  private constructor(options: NodeAgentOptions, kubeconfig: string) {
    const { machine, node, folder, args = [], env = {} } = options;
    this.dataDir = join(folder, node);
    this.#child = machine.spawn(
      [
        'node',
        launcher,
        'node',
        'run',
        '--kubeconfig',
        kubeconfig,
        '--node-name',
        node,
        '--data-dir',
        this.dataDir,
        ...args,
      ],
      { env, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    this.#exited = new Promise((done) => this.#child.on('exit', done));
  }

  static start(machines: Pick<Machines, 'after'>, options: NodeAgentOptions): NodeAgent {
    const { node, serverData, folder } = options;
    const kubeconfig = join(folder, `${node}.kubeconfig`);
    const write = [
      launcher,
      'node',
      'kubeconfig',
      node,
      '--data-dir',
      serverData,
      '-o',
      kubeconfig,
    ];
    execFileSync('node', write, { cwd: projectRoot, stdio: 'pipe' });
    const agent = new NodeAgent(options, kubeconfig);
    machines.after(async () => {
      await agent.stop();
      for (const pid of processesBelow(agent.dataDir))
        if (isRunning(pid)) process.kill(pid, 'SIGKILL');
    });
    return agent;
  }

  /** Everything it printed. */
  get output(): string {
    return this.#output;
  }

  /** Of the process that is the agent; the launcher is another. */
  get pid(): number {
    const launched = this.#child.pid ?? 0;
    const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(launched)], {
      encoding: 'utf8',
    });
    return Number(children.trim().split(/\s+/)[0]);
  }

  stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.#exited;
  }

  /** As if its machine's memory had run out. */
  async kill(): Promise<void> {
    process.kill(this.pid, 'SIGKILL');
    await this.#exited;
  }
}
