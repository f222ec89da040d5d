// A machine with k0s on it, driven by the commands of k0s itself.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { HostDriver } from '../../../hosts/host-driver.ts';
import { HostCommandError } from '../../../hosts/host-errors.ts';
import { CORDONED_BY_ANNOTATION } from '../../../machinery/cordon.ts';
import { DrainError } from '../../../machinery/drain-node.ts';
import type { DrainSettings } from '../../../machinery/drain-settings.ts';
import { NotYetError } from '../../member-driver.ts';
import type { Member, MemberDriver, Missing, Situation } from '../../member-driver.ts';
import { isSameVersion } from '../../versions.ts';
import { canonical, isController } from '../../wanted-machines.ts';
import { newestBackup, pruneBackups } from './backups.ts';
import {
  backupCommand,
  backupFolder,
  installCommand,
  installFlags,
  K0S_BINARY,
  K0S_CONFIGURATION,
  K0S_TOKEN,
  serviceName,
  tokenCommand,
  validateCommand,
} from './commands.ts';
import { changedFlags, parseFlags } from './flags.ts';
import { tokenId } from './join-token.ts';
import type { HostContent } from './host-content.ts';
import { K0sNode } from './k0s-node.ts';
import { readStatus } from './k0s-status.ts';
import type { K0sStatus } from './k0s-status.ts';
import { mustHaveBackup, RESTORED, restoreBackup } from './restore-backup.ts';

export interface K0sMemberOptions {
  readonly member: Member;
  readonly host: HostDriver;
  /** A controller of the cluster that runs, to ask for tokens and about nodes; undefined for the first. */
  readonly controller: HostDriver | undefined;
  readonly content: HostContent;
  readonly clock: Clock;
  readonly endpoint: string | undefined;
  /** Name of its Node: k0s takes the host's. */
  readonly nodeName: string;
}

/** Node facts are asked for again and again while something is awaited. */
const POLL_MS = 1_000;
const NEW_TRIES = 5;
const STOP_WITHIN_MS = 120_000;
const BACKUP_WITHIN_MS = 600_000;
const BACKUPS_KEPT = 5;
const PREVIOUS = `${K0S_BINARY}.previous`;
const USED_TOKEN = '# used, and invalid since\n';

export class K0sMember implements MemberDriver {
  readonly #options: K0sMemberOptions;
  readonly #nodes: K0sNode;
  #token: string | undefined;
  /** What `install` did this time, and a step back undoes. */
  #hasReplaced = false;
  #hasFiled = false;

  constructor(options: K0sMemberOptions) {
    this.#options = options;
    const { controller, host, member, nodeName } = options;
    // Workers have no credentials to ask with.
    const where = isController(member.role) ? host : (controller ?? host);
    this.#nodes = new K0sNode(where, nodeName, member.role !== 'controller');
  }

  get endpoint(): string | undefined {
    return isController(this.#options.member.role) ? this.#options.endpoint : undefined;
  }

  get nodeName(): string {
    return this.#options.nodeName;
  }

  async look(signal: AbortSignal): Promise<Situation> {
    const { host, member } = this.#options;
    const unit = await host.stat(`/etc/systemd/system/${serviceName(member.role)}.service`, signal);
    const installed = await this.#versionOf(K0S_BINARY, signal);
    if (unit === undefined || installed === undefined)
      return { isInstalled: false, isRunning: false, differences: [] };
    const status = await this.#status(signal);
    const { key, differences } = await this.#options.content.look(signal);
    return {
      isInstalled: true,
      isRunning: status !== undefined,
      installedVersion: installed,
      ...(status === undefined ? {} : { runningVersion: status.version }),
      differences: [...(await this.#differences(status, signal)), ...differences],
      ...(key === '' ? {} : { content: key }),
    };
  }

  async prepare(signal: AbortSignal): Promise<void> {
    const { host, member, content } = this.#options;
    installFlags(this.#install(false));
    const backup = (await this.#isMember(signal)) ? undefined : this.#backup;
    if (backup !== undefined) await mustHaveBackup(host, backup, signal);
    const { version } = member;
    if (version === undefined)
      throw new HostCommandError('spec.version: say which version of k0s is to run');
    const installed = await this.#versionOf(K0S_BINARY, signal);
    let binary = K0S_BINARY;
    if (!isSameVersion(installed, version) || (await content.isOtherProgram(signal))) {
      binary = stagedPath(version);
      await content.stageProgram(binary, signal);
      const found = await this.#versionOfNew(binary, signal);
      if (!isSameVersion(found, version)) {
        const problem = `${binary} is version ${found ?? 'unknown'}, not ${version}`;
        // Whoever upgrades changes the Artifact and the Cluster one after the other.
        if ((await content.otherVersion(signal)) !== undefined) throw new NotYetError(problem);
        throw new HostCommandError(problem);
      }
    }
    await content.stageFiles(signal);
    if (!this.#hasConfiguration) return;
    const draft = `${K0S_CONFIGURATION}.new`;
    await host.putFile(draft, this.#configuration, { signal, mode: 0o600 });
    await this.#run(validateCommand(binary, draft, member.flags), signal);
  }

  async cordon(signal: AbortSignal): Promise<void> {
    const node = await this.#nodes.find(signal);
    if (node === undefined || node.isUnschedulable) return;
    // The mark first: who dies in between leaves a node that works, not one that nobody uncordons.
    await this.#nodes.run(
      ['annotate', 'node', this.nodeName, `${CORDONED_BY_ANNOTATION}=${this.#mark}`, '--overwrite'],
      signal,
    );
    await this.#nodes.run(['cordon', this.nodeName], signal);
  }

  async drain(settings: DrainSettings, signal: AbortSignal): Promise<void> {
    if (settings.enabled === false || (await this.#nodes.find(signal)) === undefined) return;
    const problem = await this.#nodes.drain(settings, false, signal);
    if (problem === undefined) return;
    if (settings.onTimeout !== 'Force') throw new DrainError(problem);
    const forced = await this.#nodes.drain(settings, true, signal);
    if (forced !== undefined) throw new DrainError(forced);
  }

  async uncordon(signal: AbortSignal): Promise<void> {
    const node = await this.#nodes.find(signal);
    if (node?.cordonedBy !== this.#mark) return;
    await this.#nodes.run(['uncordon', this.nodeName], signal);
    await this.#nodes.run(
      ['annotate', 'node', this.nodeName, `${CORDONED_BY_ANNOTATION}-`],
      signal,
    );
  }

  /** Who goes back needs the one of the version before. */
  async backup(signal: AbortSignal): Promise<string> {
    const { host, member } = this.#options;
    const version = (await this.#versionOf(K0S_BINARY, signal)) ?? 'unknown';
    const folder = backupFolder(version);
    // It holds the keys of the cluster.
    await this.#run(['install', '-d', '-m', '0700', folder], signal);
    await this.#run(backupCommand(folder), signal, BACKUP_WITHIN_MS);
    const made = await newestBackup(host, folder, signal);
    const { backupRetention = BACKUPS_KEPT } = member.cluster.spec.rollout ?? {};
    await pruneBackups(host, backupRetention, signal);
    return made;
  }

  async stop(signal: AbortSignal): Promise<void> {
    if ((await this.#status(signal)) === undefined) return;
    await this.#run([K0S_BINARY, 'stop'], signal, STOP_WITHIN_MS);
    const { clock } = this.#options;
    const end = clock.monotonic() + STOP_WITHIN_MS;
    while ((await this.#status(signal)) !== undefined) {
      if (clock.monotonic() > end)
        throw new HostCommandError(`${serviceName(this.#options.member.role)} does not stop`);
      await sleep(clock, POLL_MS, signal);
    }
  }

  async install(signal: AbortSignal): Promise<void> {
    const { host, member } = this.#options;
    const { version = '' } = member;
    const staged = stagedPath(version);
    if ((await host.stat(staged, signal)) !== undefined) {
      if ((await host.stat(K0S_BINARY, signal)) !== undefined)
        await host.rename(K0S_BINARY, PREVIOUS, signal);
      await host.rename(staged, K0S_BINARY, signal);
      this.#hasReplaced = true;
    }
    this.#hasFiled = await this.#options.content.installFiles(signal);
    if (this.#hasConfiguration)
      await host.rename(`${K0S_CONFIGURATION}.new`, K0S_CONFIGURATION, signal);
    const isNew = !(await this.#isMember(signal));
    const hasToken = isNew && this.#options.controller !== undefined;
    if (hasToken) await this.#bringToken(signal);
    const backup = isNew ? this.#backup : undefined;
    if (backup !== undefined) {
      const run = (command: readonly string[]) => this.#run(command, signal, BACKUP_WITHIN_MS);
      await restoreBackup(host, backup, this.#hasConfiguration, run, signal);
    }
    await this.#run(installCommand(this.#install(hasToken)), signal);
  }

  async start(signal: AbortSignal): Promise<void> {
    if ((await this.#status(signal)) === undefined) await this.#run([K0S_BINARY, 'start'], signal);
  }

  async verify(version: 'wanted' | 'any', signal: AbortSignal): Promise<Missing | undefined> {
    const { member } = this.#options;
    const status = await this.#status(signal);
    if (status === undefined)
      return { why: `${serviceName(member.role)} does not run`, hasEnded: true };
    if (version === 'wanted' && !isSameVersion(status.version, member.version ?? status.version))
      return { why: `version ${status.version} runs, not ${member.version ?? ''}` };
    if (member.role !== 'controller') {
      const node = await this.#nodes.find(signal);
      if (node?.isReady !== true) return { why: `node ${this.nodeName} is not ready` };
    } else if ((await this.#nodes.answer(['get', '--raw=/readyz'], signal)) === undefined)
      return { why: 'its API server is not ready' };
    await this.#forgetToken(signal);
    return undefined;
  }

  async mend(signal: AbortSignal): Promise<readonly string[]> {
    return (await this.#options.content.mendFiles(signal)).map((path) => `file ${path}`);
  }

  async rollBack(signal: AbortSignal): Promise<boolean> {
    const { host, content } = this.#options;
    const hasProgram = this.#hasReplaced && (await host.stat(PREVIOUS, signal)) !== undefined;
    if (!hasProgram && !this.#hasFiled) return false;
    await this.stop(signal);
    if (hasProgram) await host.rename(PREVIOUS, K0S_BINARY, signal);
    if (this.#hasFiled) await content.returnFiles(signal);
    return true;
  }

  async leave(signal: AbortSignal): Promise<void> {
    const { controller, member } = this.#options;
    if (
      isController(member.role) &&
      controller !== undefined &&
      (await this.#status(signal)) !== undefined
    )
      await this.#run([K0S_BINARY, 'etcd', 'leave'], signal);
    if ((await this.#nodes.find(signal)) !== undefined)
      await this.#nodes.run(['delete', 'node', this.nodeName, '--ignore-not-found'], signal);
  }

  async reset(signal: AbortSignal): Promise<void> {
    const { host } = this.#options;
    if ((await host.stat(K0S_BINARY, signal)) !== undefined)
      await this.#run([K0S_BINARY, 'reset'], signal, STOP_WITHIN_MS);
    for (const path of [
      K0S_BINARY,
      PREVIOUS,
      K0S_TOKEN,
      K0S_CONFIGURATION,
      `${K0S_CONFIGURATION}.new`,
      `${K0S_CONFIGURATION}.restored`,
      RESTORED,
    ])
      await host.remove(path, signal);
    await this.#options.content.removeFiles(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { host, controller } = this.#options;
    await host[Symbol.asyncDispose]();
    if (controller !== undefined && controller !== host) await controller[Symbol.asyncDispose]();
  }

  get #mark(): string {
    return `machine/${this.#options.member.machine.metadata.name}`;
  }

  get #hasConfiguration(): boolean {
    const { configuration, role } = this.#options.member;
    return isController(role) && Object.keys(configuration).length > 0;
  }

  /** JSON is YAML. */
  get #configuration(): string {
    return `${canonical(this.#options.member.configuration)}\n`;
  }

  /** What this one begins the cluster with; undefined where it joins, or begins empty. */
  get #backup(): string | undefined {
    const { controller, member } = this.#options;
    const begins = controller === undefined && isController(member.role);
    return begins ? member.cluster.spec.restoreFrom : undefined;
  }

  #install(hasToken: boolean): Parameters<typeof installCommand>[0] {
    const { role, flags } = this.#options.member;
    return { role, flags, hasToken, hasConfiguration: this.#hasConfiguration };
  }

  async #differences(
    status: K0sStatus | undefined,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { host } = this.#options;
    const present = new Map(status === undefined ? [] : parseFlags(status.args.map(quoted)));
    // Only of the moment it joined.
    present.delete('--token-file');
    const flags =
      status === undefined
        ? []
        : changedFlags(parseFlags(installFlags(this.#install(false)).map(quoted)), present);
    const file = this.#hasConfiguration
      ? await host.readFile(K0S_CONFIGURATION, signal)
      : undefined;
    const isOther =
      this.#hasConfiguration &&
      (file === undefined || new TextDecoder().decode(file) !== this.#configuration);
    return [
      ...(flags.length === 0 ? [] : [`flags ${flags.join(' ')}`]),
      ...(isOther ? ['configuration'] : []),
    ];
  }

  async #versionOf(binary: string, signal: AbortSignal): Promise<string | undefined> {
    const { host } = this.#options;
    if ((await host.stat(binary, signal)) === undefined) return undefined;
    const { exitCode, stdout } = await host.exec([binary, 'version'], { signal });
    return exitCode === 0 ? stdout.trim() : undefined;
  }

  /** A file that was written a moment ago is «busy» as long as anybody who was forked meanwhile still holds it open. */
  async #versionOfNew(binary: string, signal: AbortSignal): Promise<string | undefined> {
    for (let tries = 1; ; tries += 1) {
      const found = await this.#versionOf(binary, signal);
      if (found !== undefined || tries === NEW_TRIES) return found;
      await sleep(this.#options.clock, POLL_MS / NEW_TRIES, signal);
    }
  }

  async #status(signal: AbortSignal): Promise<K0sStatus | undefined> {
    return readStatus(this.#options.host, signal);
  }

  /** Whether it was a member before: then it needs no token. */
  async #isMember(signal: AbortSignal): Promise<boolean> {
    const unit = `/etc/systemd/system/${serviceName(this.#options.member.role)}.service`;
    return (await this.#options.host.stat(unit, signal)) !== undefined;
  }

  async #bringToken(signal: AbortSignal): Promise<void> {
    const { controller, host, member } = this.#options;
    if (controller === undefined) return;
    const { exitCode, stdout } = await controller.exec(tokenCommand(member.role), { signal });
    const token = stdout.trim();
    if (exitCode !== 0 || token === '')
      throw new HostCommandError(
        `${controller.name}: k0s token create ended with exit code ${exitCode}`,
      );
    await host.putFile(K0S_TOKEN, token, { signal, mode: 0o600 });
    this.#token = token;
  }

  /** Nobody else joins with it. What a crash left is found in the file. */
  async #forgetToken(signal: AbortSignal): Promise<void> {
    const { host, controller } = this.#options;
    const file = await host.readFile(K0S_TOKEN, signal);
    const token = this.#token ?? (file === undefined ? '' : new TextDecoder().decode(file));
    if (token === '' || token === USED_TOKEN) return;
    const id = tokenId(token);
    if (id !== undefined && controller !== undefined)
      await controller.exec([K0S_BINARY, 'token', 'invalidate', id], { signal });
    await host.putFile(K0S_TOKEN, USED_TOKEN, { signal, mode: 0o600 });
    this.#token = undefined;
  }

  /** Errors say the command, which never holds a secret, and what it said. */
  async #run(command: readonly string[], signal: AbortSignal, timeoutMs = 60_000): Promise<void> {
    const { exitCode, stdout, stderr } = await this.#options.host.exec(command, {
      signal,
      timeoutMs,
    });
    if (exitCode === 0) return;
    const said = (stderr.trim() === '' ? stdout : stderr).trim();
    throw new HostCommandError(
      `${command.slice(0, 3).join(' ')} ended with exit code ${exitCode}: ${said}`,
    );
  }
}

/** Beside the one that runs, so that the exchange is one rename. */
function stagedPath(version: string): string {
  return `${K0S_BINARY}.staged-${version.replace(/[^A-Za-z0-9.+-]/g, '_')}`;
}

/** One argument as the shell takes it for one. */
function quoted(word: string): string {
  return /^[A-Za-z0-9_./:=,@%+-]*$/.test(word)
    ? word
    : `"${word.replaceAll(/(["\\])/g, String.raw`\$1`)}"`;
}
