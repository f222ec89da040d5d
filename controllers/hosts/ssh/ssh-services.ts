// systemd of a host, through systemctl.
import type { CommandResult, HostDriver, HostServices, ServiceState } from '../host-driver.ts';
import { HostCommandError } from '../host-errors.ts';
import { requireUnit, UNIT_FOLDER } from '../host-rules.ts';

/** A stop may wait for as long as units may take by default. */
const TIMEOUT_MS = 120_000;

type Host = Pick<HostDriver, 'name' | 'exec' | 'readFile' | 'putFile' | 'remove'>;

export class SshServices implements HostServices {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  async install(unit: string, content: string, signal: AbortSignal): Promise<void> {
    const path = `${UNIT_FOLDER}/${requireUnit(unit)}`;
    const found = await this.#host.readFile(path, signal);
    if (found !== undefined && Buffer.from(found).equals(Buffer.from(content))) return;
    await this.#host.putFile(path, content, { signal });
    await this.#control(['daemon-reload'], signal);
  }

  async uninstall(unit: string, signal: AbortSignal): Promise<void> {
    if (!(await this.state(unit, signal)).isInstalled) return;
    await this.stop(unit, signal);
    await this.#control(['disable', unit], signal);
    await this.#host.remove(`${UNIT_FOLDER}/${unit}`, signal);
    await this.#control(['daemon-reload'], signal);
    // Otherwise systemd remembers a unit that failed although its file is gone. It says no where there is nothing to forget.
    await this.#systemctl(['reset-failed', unit], signal);
  }

  async state(unit: string, signal: AbortSignal): Promise<ServiceState> {
    const properties = ['LoadState', 'ActiveState', 'SubState'];
    const { stdout } = await this.#control(
      ['show', `--property=${properties.join(',')}`, requireUnit(unit)],
      signal,
    );
    const value = (name: string): string =>
      new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
    const isInstalled = !['not-found', ''].includes(value('LoadState'));
    if (!isInstalled) return { isInstalled, isActive: false, state: 'dead' };
    const isActive = ['active', 'reloading'].includes(value('ActiveState'));
    const state = value('ActiveState') === 'failed' ? 'failed' : value('SubState');
    return { isInstalled, isActive, state };
  }

  async start(unit: string, signal: AbortSignal): Promise<void> {
    await this.#control(['enable', requireUnit(unit)], signal);
    await this.#control(['start', unit], signal);
  }

  async stop(unit: string, signal: AbortSignal): Promise<void> {
    const { isInstalled } = await this.state(unit, signal);
    if (isInstalled) await this.#control(['stop', unit], signal);
  }

  async #control(args: readonly string[], signal: AbortSignal): Promise<CommandResult> {
    const result = await this.#systemctl(args, signal);
    if (result.exitCode === 0) return result;
    const why = result.stderr.trim().slice(0, 1000) || `exit code ${result.exitCode}`;
    throw new HostCommandError(`${this.#host.name}: systemctl ${args.join(' ')}: ${why}`);
  }

  #systemctl(args: readonly string[], signal: AbortSignal): Promise<CommandResult> {
    return this.#host.exec(['systemctl', '--no-ask-password', ...args], {
      signal,
      timeoutMs: TIMEOUT_MS,
    });
  }
}
