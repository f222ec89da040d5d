// Runs what a page of the documentation says, in a folder that looks like a checkout, block after block in one shell's environment.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { eventually } from './eventually.ts';
import { freePort } from './free-ports.ts';
import { notPrinted } from './guide-blocks.ts';
import type { GuideBlock } from './guide-blocks.ts';
import { processesBelow } from './processes.ts';
import { launcher, projectRoot } from './windlass.ts';

const BLOCK_TIMEOUT_MS = 180_000;

/** One page: its folder, and the server behind it, which begins with the first block that does not start one itself. */
export class GuideRunner {
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(folder: string, environment: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#environment = environment;
  }

  /** @param folder an empty one */
  static async in(folder: string): Promise<GuideRunner> {
    const port = String(await freePort());
    const programs = join(folder, '.guide', 'bin');
    mkdirSync(programs, { recursive: true });
    for (const name of ['windlass', 'npx', 'npm'])
      symlinkSync(join(projectRoot, 'test/support/guide-windlass.sh'), join(programs, name));
    // As in a folder where the package was installed: `import 'windlass/…'` finds it.
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(projectRoot, join(folder, 'node_modules/windlass'));
    cpSync(join(projectRoot, 'deploy'), join(folder, 'deploy'), { recursive: true });
    // Pages name the port of the example, and so may those that run beside this one.
    const hello = join(folder, 'deploy/examples/hello/service.yaml');
    writeFileSync(hello, readFileSync(hello, 'utf8').replaceAll('8080', port));
    return new GuideRunner(folder, {
      ...process.env,
      PATH: [programs, process.env['PATH']].join(delimiter),
      HOME: folder,
      GUIDE_LAUNCHER: launcher,
      KUBECONFIG: join(folder, '.windlass/admin.kubeconfig'),
      PORT: port,
      PORT2: String(await freePort()),
    });
  }

  /** @throws Error with everything that it printed, when it is not as the page says */
  async run(block: GuideBlock): Promise<void> {
    if (block.file !== undefined) {
      const text = replaced(block, block.script);
      const port = this.#environment['PORT'] ?? '';
      writeFileSync(join(this.#folder, block.file), text.replaceAll('$PORT', port));
      return;
    }
    const startsItself = /^\s*(?:(?:npx )?windlass up|npm start)\b/m.test(
      [...block.first, block.script].join('\n'),
    );
    if (!startsItself && !existsSync(join(this.#folder, '.guide/server.pid')))
      await this.#shell('windlass up', {});
    for (const command of block.first) await this.#shell(command, {});
    await this.#shell(replaced(block, block.script), block);
  }

  async #shell(script: string, { until, fails = false, prints = [] }: Partial<GuideBlock>) {
    const child = spawn('bash', ['-c', `${PRELUDE}\n${script}`], {
      cwd: this.#folder,
      env: this.#environment,
      // A group of its own, so that what goes on can be ended as a whole.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const say = (what: string): Error => new Error(`${what}\n${script}\n--- printed:\n${output}`);
    const end = (): void => {
      if (child.pid !== undefined && child.exitCode === null) kill(-child.pid);
    };
    const timer = setTimeout(end, BLOCK_TIMEOUT_MS);
    const ended = new Promise<number | null>((done) => child.on('close', done));
    if (until !== undefined) {
      const look = (): void => {
        if (child.exitCode === null && !output.includes(until)) throw new Error(output);
      };
      await eventually(`the output ${until}`, look, BLOCK_TIMEOUT_MS).catch(() => undefined);
      end();
    }
    const code = await ended;
    clearTimeout(timer);
    if (until !== undefined && !output.includes(until)) throw say(`It never printed ${until}`);
    if (until === undefined && (code !== 0) !== fails) throw say(`It ended with ${code ?? 'none'}`);
    const missing = notPrinted(prints, output);
    if (missing !== undefined) throw say(`It did not print: ${missing}`);
  }

  /** Ends the server and everything that the page started, at once: nobody needs what it kept. */
  async close(): Promise<void> {
    await eventually('nothing of the guide is left', () => {
      const left = processesBelow(this.#folder);
      for (const pid of left) kill(pid);
      if (left.length > 0) throw new Error(`processes ${left.join(', ')} go on`);
    });
  }
}

/** What is gone already is no trouble. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended since.
  }
}

/** What was exported in one block is there in the next. */
const PRELUDE = `
if [ -e .guide/environment ]; then . .guide/environment; fi
trap 'code=$?; export -p >.guide/environment; exit $code' EXIT
set -euo pipefail
exec 2>&1`;

function replaced({ replace }: GuideBlock, text: string): string {
  return replace.reduce((so, [from, to]) => so.replaceAll(from, to), text);
}
