// Whether the machine in a slot lives: as its host's systemd sees it, and as its own says.
import type { HostDriver } from '../hosts/host-driver.ts';
import type { RootFS } from '../rootfs/goal-state.ts';
import { isFolderHost } from '../rootfs/host-checks.ts';
import { StepError } from './machine-work.ts';
import type { Pending } from './machine-work.ts';

/** States of a unit that will not do by waiting: what was started has ended. */
const ENDED = ['failed', 'auto-restart', 'auto-restart-queued'];
/** Of a systemd, as it names them. */
const STATES = ['initializing', 'starting', 'running', 'degraded', 'maintenance', 'stopping'];
const NAMESPACES = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--root', '--wd'];

/** Whether its unit has ended, and waits for systemd to start it once more or for nothing at all. */
export function hasEnded(state: string): boolean {
  return ENDED.includes(state);
}

/**
 * Asks now; how long it has been so is the caller's to know. An image whose init is not systemd says nothing of itself: then
 * it counts that its unit has run since its start without a break.
 *
 * @throws StepError ServiceFailed when it ended by itself; Unhealthy when its own systemd gave up
 */
export async function slotHealth(
  host: HostDriver,
  { unit, machineName }: Pick<RootFS, 'unit' | 'machineName'>,
  signal: AbortSignal,
): Promise<'done' | Pending> {
  const { isActive, state } = await host.services.state(unit, signal);
  if (hasEnded(state)) throw new StepError('ServiceFailed', `service ${unit} has failed`);
  if (!isActive) return { pending: `service ${unit} is ${state}` };
  if (await isFolderHost(host, signal)) return 'done';
  const restarts = await restartsOf(host, unit, signal);
  if (restarts > 0)
    throw new StepError(
      'ServiceFailed',
      `service ${unit} runs, but ended by itself ${restarts} ${restarts === 1 ? 'time' : 'times'} since its start`,
    );
  return ownWord(host, machineName, signal);
}

/** How often systemd had to start it again since somebody started it; 0 where that is not known. */
async function restartsOf(host: HostDriver, unit: string, signal: AbortSignal): Promise<number> {
  const command = ['systemctl', 'show', '--property=NRestarts', '--value', unit];
  const { exitCode, stdout } = await host.exec(command, { signal });
  return exitCode === 0 && /^\d+\s*$/.test(stdout) ? Number(stdout) : 0;
}

/** What the systemd of the machine says of itself. */
async function ownWord(
  host: HostDriver,
  machineName: string,
  signal: AbortSignal,
): Promise<'done' | Pending> {
  const word =
    (await wordOver(host, ['systemctl', `--machine=${machineName}`], signal)) ??
    (await wordInside(host, machineName, signal));
  switch (word) {
    case 'maintenance':
      throw new StepError('Unhealthy', `${machineName} is in rescue or emergency mode`);
    case 'initializing':
    case 'starting':
    case 'stopping':
      return { pending: `${machineName} says that it is ${word}` };
    default:
      return 'done';
  }
}

/** Early, and in rescue and emergency mode, there is no D-Bus to ask over; its own systemctl still gets an answer, from inside. */
async function wordInside(
  host: HostDriver,
  machineName: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const command = ['machinectl', 'show', '--property=Leader', '--value', machineName];
  const leader = (await host.exec(command, { signal })).stdout.trim();
  if (!/^\d+$/.test(leader)) return undefined;
  const enter = ['nsenter', `--target=${leader}`, ...NAMESPACES, '--', 'systemctl'];
  return wordOver(host, enter, signal);
}

async function wordOver(
  host: HostDriver,
  systemctl: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const { stdout } = await host.exec([...systemctl, 'is-system-running'], { signal });
  const word = stdout.trim();
  return STATES.includes(word) ? word : undefined;
}
