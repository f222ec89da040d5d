// Units of a local-dir host: files below its /etc/systemd/system, real processes of this machine. Names of programs and files in a
// unit are those of the host; `${HOST_ROOT}` in its arguments is the folder (and nothing at all under a real systemd, so that one unit
// works in both). There is no boot: enabled units are started by whoever starts them. Cgroups, users and sandbox settings are not kept.
import { constants } from 'node:fs';
import { access, lstat, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { HostServices, ServiceState } from '../host-driver.ts';
import { HostCommandError } from '../host-errors.ts';
import { requireUnit, UNIT_FOLDER } from '../host-rules.ts';
import { atomicPut } from './atomic-put.ts';
import { asHost } from './file-errors.ts';
import { ownProgram } from './find-program.ts';
import { realPath } from './root-path.ts';
import { lastExit, runningPid, startProcess } from './service-process.ts';
import type { ServiceFiles } from './service-process.ts';
import { parseEnvironment, parseUnit, withVariables } from './unit-file.ts';
import type { UnitFile } from './unit-file.ts';

const WANTS = `${UNIT_FOLDER}/multi-user.target.wants`;
const POLL_MS = 20;

export interface LocalDirServicesOptions {
  readonly root: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** What every program of the host gets. */
  readonly environment: Readonly<Record<string, string>>;
}

export class LocalDirServices implements HostServices {
  readonly #options: LocalDirServicesOptions;

  constructor(options: LocalDirServicesOptions) {
    this.#options = options;
  }

  async install(unit: string, content: string, signal: AbortSignal): Promise<void> {
    const path = await this.#unitPath(unit);
    await asHost(unit, async () => {
      if ((await readFile(path, 'utf8').catch(() => undefined)) === content) return;
      await atomicPut(path, unit, content, { signal }, this.#options);
    });
  }

  async uninstall(unit: string, signal: AbortSignal): Promise<void> {
    await this.stop(unit, signal);
    const files = await this.#files(unit);
    await asHost(unit, async () => {
      for (const path of [
        await this.#wants(unit),
        await this.#unitPath(unit),
        files.record,
        files.exit,
      ])
        await rm(path, { force: true });
    });
  }

  async state(unit: string, signal: AbortSignal): Promise<ServiceState> {
    signal.throwIfAborted();
    const content = await this.#content(unit);
    if (content === undefined) return { isInstalled: false, isActive: false, state: 'dead' };
    const files = await this.#files(unit);
    if ((await runningPid(files)) !== undefined)
      return { isInstalled: true, isActive: true, state: 'running' };
    const exit = await lastExit(files);
    const wasStarted = (await lstat(files.record).catch(() => undefined)) !== undefined;
    if (exit === undefined || !wasStarted)
      return { isInstalled: true, isActive: false, state: 'dead' };
    if (exit !== 0) return { isInstalled: true, isActive: false, state: 'failed' };
    const { isOneShot, remainAfterExit } = parseUnit(unit, content);
    const remains = isOneShot && remainAfterExit;
    return { isInstalled: true, isActive: remains, state: remains ? 'exited' : 'dead' };
  }

  async start(unit: string, signal: AbortSignal): Promise<void> {
    const content = await this.#content(unit);
    if (content === undefined) throw new HostCommandError(`Unit ${unit} not found.`);
    const parsed = parseUnit(unit, content);
    await this.#enable(unit);
    if ((await this.state(unit, signal)).isActive) return;
    const files = await this.#files(unit);
    const command = await this.#command(unit, parsed);
    const { ended } = await asHost(unit, () => startProcess(command, files));
    if (!parsed.isOneShot) return;
    const exitCode = await Promise.race([ended, aborted(signal)]);
    if (exitCode !== 0)
      throw new HostCommandError(
        `Unit ${unit} failed: its program ended with exit code ${exitCode}`,
      );
  }

  async stop(unit: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const files = await this.#files(unit);
    const pid = await runningPid(files);
    if (pid !== undefined) {
      const content = await this.#content(unit);
      const graceMs = content === undefined ? 10_000 : parseUnit(unit, content).stopSeconds * 1000;
      await this.#end(pid, files, graceMs, signal);
    }
    // Stopped on purpose: whatever the exit code was, it has not failed.
    await rm(files.record, { force: true });
  }

  async #end(
    pid: number,
    files: ServiceFiles,
    graceMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.monotonic() + graceMs;
    killGroup(pid, 'SIGTERM');
    // The shell in between may end before its program does: the whole group must be gone.
    while ((await runningPid(files)) !== undefined || killGroup(pid, 0)) {
      if (clock.monotonic() >= deadline) killGroup(pid, 'SIGKILL');
      await sleep(clock, POLL_MS, signal);
    }
  }

  async #command(unit: string, parsed: UnitFile): Promise<Parameters<typeof startProcess>[0]> {
    const { root } = this.#options;
    const environment: Record<string, string> = {
      ...this.#options.environment,
      ...parsed.environment,
    };
    for (const entry of parsed.environmentFiles) {
      const path = await realPath(root, entry.replace(/^-/, ''), true);
      const text = await readFile(path, 'utf8').catch(() => undefined);
      if (text === undefined && !entry.startsWith('-'))
        throw new HostCommandError(`unit ${unit}: EnvironmentFile ${entry}: not there`);
      Object.assign(environment, parseEnvironment(text ?? ''));
    }
    const [program, ...args] = parsed.command.map((word) => withVariables(word, environment));
    const name = program ?? '';
    // A program that was named with ${HOST_ROOT} is a real path already.
    const asNamed = name.startsWith(`${root}/`) ? name.slice(root.length) : name;
    const own = await ownProgram(root, asNamed);
    if (own === undefined && !(await isOfMachine(name)))
      throw new HostCommandError(`unit ${unit}: ExecStart ${name}: no such program`);
    const folder = withVariables(parsed.workingDirectory ?? '/', environment);
    const inside = folder.startsWith(`${root}/`) ? folder.slice(root.length) : folder;
    return {
      program: own ?? name,
      args,
      workingDirectory: await realPath(root, inside, true),
      environment,
      restart: parsed.restart,
      restartSeconds: parsed.restartSeconds,
    };
  }

  async #enable(unit: string): Promise<void> {
    const path = await this.#wants(unit);
    await asHost(unit, async () => {
      await mkdir(join(path, '..'), { recursive: true });
      await symlink(`${UNIT_FOLDER}/${unit}`, path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    });
  }

  /** Of an instance `a@b.service` without a file of its own: that of the template `a@.service`. */
  async #content(unit: string): Promise<string | undefined> {
    const template = unit.replace(/@[^@]*(\.[a-z]+)$/, '@$1');
    for (const name of new Set([unit, template])) {
      const text = await readFile(await this.#unitPath(name), 'utf8').catch(() => undefined);
      if (text !== undefined) return text;
    }
    return undefined;
  }

  #unitPath(unit: string): Promise<string> {
    return realPath(this.#options.root, `${UNIT_FOLDER}/${requireUnit(unit)}`, false);
  }

  #wants(unit: string): Promise<string> {
    return realPath(this.#options.root, `${WANTS}/${requireUnit(unit)}`, false);
  }

  async #files(unit: string): Promise<ServiceFiles> {
    const { root } = this.#options;
    const state = await realPath(root, `/run/windlass-services/${requireUnit(unit)}`, true);
    const log = await realPath(root, `/var/log/windlass-services/${unit}.log`, true);
    return { record: `${state}.json`, exit: `${state}.exit`, log };
  }
}

async function isOfMachine(program: string): Promise<boolean> {
  if (!isAbsolute(program)) return false;
  return access(program, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Whether the group has a member that can be told something. */
function killGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
