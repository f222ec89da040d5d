// The steps of a machine over its host: what MachineWork promises, for real.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import { join } from 'node:path';
import { ArtifactError } from '../binaries/artifact-error.ts';
import type { ArtifactFetcher } from '../binaries/artifact-fetcher.ts';
import { declaredFiles } from '../binaries/declared-files.ts';
import type { DeclaredFile } from '../binaries/declared-files.ts';
import type { HostArtifacts } from '../binaries/host-artifact.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import { HostCommandError } from '../hosts/host-errors.ts';
import type { WorkLimits } from '../hosts/work-limits.ts';
import type { Client } from '../machinery/client-types.ts';
import { findDevices } from '../rootfs/devices.ts';
import { checkClockSkew, checkHostname, checkMachineId } from '../rootfs/fleet-checks.ts';
import type { FleetMember } from '../rootfs/fleet-checks.ts';
import { otherSlot } from '../rootfs/goal-state.ts';
import type { RootFS, Slot } from '../rootfs/goal-state.ts';
import { hostChecks, isFolderHost } from '../rootfs/host-checks.ts';
import { nodeChecks } from '../rootfs/node-checks.ts';
import type { ReadyProbe } from '../rootfs/node-checks.ts';
import { nodeFiles } from '../rootfs/node-files.ts';
import type { NodeFiles } from '../rootfs/node-files.ts';
import type { ImageOpener } from '../rootfs/open-image.ts';
import { runPreflight } from '../rootfs/preflight.ts';
import type { Checker, PreflightReport } from '../rootfs/preflight.ts';
import { provision } from '../rootfs/provision.ts';
import type { RootFSContext } from '../rootfs/rootfs-context.ts';
import { readOnlyHost } from '../rootfs/read-only-host.ts';
import { preflight } from '../rootfs/rootfs-preflight.ts';
import { runTask, serial } from '../rootfs/task.ts';
import type { TaskReport } from '../rootfs/task.ts';
import { machineContent } from './machine-content.ts';
import { goalHash, hostName, machineGoal } from './machine-goal.ts';
import type { MachineDrain } from './machine-drain.ts';
import {
  activateFiles,
  changedFiles,
  dropFiles,
  putFilesInRoot,
  removeFiles,
  stageFiles,
} from './machine-files.ts';
import type { MachineFiles } from './machine-files.ts';
import { GoalChangedError } from './machine-work.ts';
import type { MachineWork, Pending, Resolved, SlotStart } from './machine-work.ts';
import { nodeAnswer } from './node-answer.ts';
import { readCredential } from './read-credential.ts';
import { removeSlot, startSlot, stopSlot } from './run-slot.ts';
import type { SlotNames } from './run-slot.ts';
import { artifactPaths, artifactPlaces, slotPath } from './artifact-places.ts';
import type { ArtifactPlace } from './artifact-places.ts';
import { slotHealth } from './slot-health.ts';
import { activateArtifacts, putArtifacts, removeOwnLink } from './stage-artifacts.ts';
import type { StagingWork } from './stage-artifacts.ts';
import type { Machine, StagedArtifact } from './types.ts';

export interface HostWorkOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly host: HostDriver;
  readonly fetcher: ArtifactFetcher;
  readonly images: ImageOpener;
  readonly artifacts: HostArtifacts;
  readonly probe: ReadyProbe;
  readonly nodes: MachineDrain;
  readonly workFolder: string;
  readonly limits: Pick<WorkLimits, 'downloads'>;
  /** The other machines of its cluster. */
  readonly fleet: () => readonly FleetMember[];
  /** How long a service must have run to count as running, milliseconds. */
  readonly stableMs: number;
}

const TASK_MS = 1_800_000;

export class HostWork implements MachineWork {
  readonly #machine: Machine;
  readonly #options: HostWorkOptions;

  constructor(machine: Machine, options: HostWorkOptions) {
    this.#machine = machine;
    this.#options = options;
  }

  async resolve(signal: AbortSignal): Promise<Resolved> {
    const { host, clock } = this.#options;
    // First: what changes in between is seen the next time.
    const content = await machineContent(this.#options.artifacts, this.#machine, signal);
    if ('pending' in content) throw new Error(content.pending);
    const [facts, goal, places, files] = await Promise.all([
      host.facts(signal),
      this.goal('a', signal),
      this.#places('a', signal),
      this.#declaredFiles(signal),
    ]);
    if ('pending' in places) throw new Error(places.pending);
    if ('pending' in files) throw new Error(files.pending);
    const hash = goalHash(this.#machine, goal, places, files);
    const offset = Math.round((facts.clockMillis - clock.now()) / 1000) * 1000;
    return {
      goalHash: hash,
      contentHash: content.hash,
      facts: {
        hostname: facts.hostname,
        machineId: facts.machineId,
        clockOffsetMillis: offset,
        architecture: facts.arch,
        addresses: facts.addresses,
      },
    };
  }

  async ensureInfrastructure(): Promise<string> {
    const { providerRef } = this.#machine.spec;
    const giver = providerRef === undefined ? 'given' : `InfraProvider ${providerRef.name}'s`;
    return `the host is ${giver}: ${this.#options.host.name}`;
  }

  async preflight(slot: Slot, signal: AbortSignal): Promise<PreflightReport> {
    const { spec } = this.#machine;
    const { ignore = [], failOnWarnings = false } = spec.preflight ?? {};
    return runPreflight(await this.#checkers(slot, signal), { ignore, failOnWarnings }, signal);
  }

  async stage(
    slot: Slot,
    wanted: string,
    signal: AbortSignal,
  ): Promise<readonly StagedArtifact[] | Pending> {
    const places = await this.#places(slot, signal);
    if ('pending' in places) return places;
    const files = await this.#declaredFiles(signal);
    if ('pending' in files) return files;
    this.#require(wanted, goalHash(this.#machine, await this.goal(slot, signal), places, files));
    // Into a root they go when it is built.
    if (this.#machine.spec.rootfs !== undefined)
      return places.map(({ artifact, digest, type, root = '', target, delivery }) => ({
        artifact,
        path: root + target,
        digest,
        type,
        delivery: delivery.by,
      }));
    if (this.#hasFiles()) await stageFiles(this.#files(), slot, files, signal);
    return putArtifacts(this.#staging(), places, signal);
  }

  async buildRoot(
    slot: Slot,
    wanted: string,
    report: (task: TaskReport) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#machine.spec.rootfs === undefined) return;
    const { clock, ids, host, fetcher, images, workFolder } = this.#options;
    const goal = await this.goal(slot, signal);
    const places = await this.#places(slot, signal);
    if ('pending' in places) throw new Error(places.pending);
    const files = await this.#declaredFiles(signal);
    if ('pending' in files) throw new Error(files.pending);
    const hash = goalHash(this.#machine, goal, places, files);
    this.#require(wanted, hash);
    const folder = join(workFolder, goal.machineName);
    const root = provision({
      host,
      goal,
      goalHash: hash,
      clock,
      ids,
      fetcher,
      images,
      workFolder: folder,
      ...(await this.#credential(signal)),
    });
    const staging = {
      name: 'StageArtifacts',
      do: async (own: AbortSignal) => void (await putArtifacts(this.#staging(), places, own)),
    };
    const filing = {
      name: 'PutFiles',
      do: (own: AbortSignal) => putFilesInRoot(host, goal.machineDirectory, files, own),
    };
    const more = [
      ...(places.length === 0 ? [] : [staging]),
      ...(files.length === 0 ? [] : [filing]),
    ];
    const task = more.length === 0 ? root : serial(root, ...more);
    await runTask(task, { clock, report, deadlineMs: TASK_MS }, signal);
  }

  async drain(startedAt: number, signal: AbortSignal): Promise<'done' | Pending> {
    return this.#options.nodes.drain(this.#machine, startedAt, signal);
  }

  async uncordon(signal: AbortSignal): Promise<void> {
    await this.#options.nodes.uncordon(this.#machine, signal);
  }

  async stop(slot: Slot, signal: AbortSignal): Promise<void> {
    await stopSlot(this.#options.host, this.names(slot), signal);
  }

  async activate(slot: Slot, signal: AbortSignal): Promise<void> {
    const { spec } = this.#machine;
    if (spec.rootfs !== undefined) return;
    if (this.#hasFiles()) await activateFiles(this.#files(), slot, signal);
    await activateArtifacts(this.#options.host, await this.#artifactPaths(signal), slot, signal);
  }

  async start(slot: Slot, signal: AbortSignal): Promise<void> {
    if (this.#machine.spec.rootfs === undefined) return;
    await startSlot(this.#options.host, this.names(slot), this.#options.clock, signal);
  }

  async verify(
    slot: Slot,
    { beganAt, endedAt }: SlotStart,
    signal: AbortSignal,
  ): Promise<'done' | Pending> {
    const { host, client, clock, stableMs } = this.#options;
    const { metadata, spec } = this.#machine;
    if (spec.rootfs !== undefined) {
      const names = this.names(slot);
      const health = await slotHealth(host, names, signal);
      if (health !== 'done') return health;
      // A status has whole seconds: it may have ended up to one later than it says.
      if (clock.now() - endedAt < stableMs + 1_000)
        return { pending: `service ${names.unit} runs, for how long is to be seen` };
    }
    if (spec.node === undefined) return 'done';
    return nodeAnswer(client, metadata.name, beganAt, signal);
  }

  async clean(failed: Slot | undefined, signal: AbortSignal): Promise<void> {
    const { host } = this.#options;
    if (failed === undefined) return;
    if (this.#machine.spec.rootfs !== undefined) await removeSlot(host, this.names(failed), signal);
    for (const path of await this.#artifactPaths(signal))
      await host.remove(slotPath(path, failed), signal);
    if (this.#hasFiles()) await dropFiles(this.#files(), failed, signal);
  }

  /** Everything of both slots, and what stands at the paths of artifacts. */
  async removeAll(signal: AbortSignal): Promise<void> {
    const { host } = this.#options;
    const paths = await this.#artifactPaths(signal);
    for (const slot of ['a', 'b'] as const) {
      await removeSlot(host, this.names(slot), signal);
      for (const path of paths) await host.remove(slotPath(path, slot), signal);
    }
    if (this.#machine.spec.rootfs !== undefined) return;
    for (const path of paths) await removeOwnLink(host, path, signal);
    await removeFiles(this.#files(), signal);
  }

  /** Files of the host that are not as the active slot has them. */
  changedFiles(slot: Slot, signal: AbortSignal): Promise<readonly string[]> {
    return this.#hasFiles() ? changedFiles(this.#files(), slot, signal) : Promise.resolve([]);
  }

  async restoreFiles(slot: Slot, signal: AbortSignal): Promise<void> {
    await activateFiles(this.#files(), slot, signal);
  }

  async goal(slot: Slot, signal: AbortSignal): Promise<RootFS> {
    const { host } = this.#options;
    const [facts, devices] = await Promise.all([host.facts(signal), findDevices(host, signal)]);
    return machineGoal(this.#machine, slot, facts, devices);
  }

  names(slot: Slot): SlotNames & Pick<RootFS, 'nspawnFile' | 'serviceOverrideFile'> {
    const machineName = `${hostName(this.#machine)}-${slot}`;
    const unit = `systemd-nspawn@${machineName}.service`;
    return {
      machineName,
      machineDirectory: `/var/lib/machines/${machineName}`,
      unit,
      nspawnFile: `/etc/systemd/nspawn/${machineName}.nspawn`,
      serviceOverrideFile: `/etc/systemd/system/${unit}.d/override.conf`,
    };
  }

  /** What its root must have to be a node; undefined for what is none, or brings it in its image. @throws GoalError */
  async nodeFiles(goal: RootFS, signal: AbortSignal): Promise<NodeFiles | undefined> {
    return nodeFiles(goal, (await this.#credential(signal)).credential);
  }

  async #credential(signal: AbortSignal): Promise<Pick<RootFSContext, 'credential'>> {
    const credential = await readCredential(this.#options.client, this.#machine, signal);
    return credential === undefined ? {} : { credential };
  }

  async #checkers(slot: Slot, signal: AbortSignal): Promise<readonly Checker[]> {
    const { fetcher, images, probe, fleet, clock } = this.#options;
    const host = readOnlyHost(this.#options.host);
    const { metadata, spec, status } = this.#machine;
    if (spec.rootfs === undefined)
      return [
        {
          name: 'host',
          check: async () => [{ target: host.name, severity: 'ok', message: 'answers' }],
        },
      ];
    const goal = await this.goal(slot, signal);
    const isRunning = status?.activeSlot !== undefined;
    const isFolder = await isFolderHost(host, signal);
    const together: readonly Checker[] =
      spec.clusterRef === undefined || isFolder
        ? []
        : (
            [
              ['clock-skew', checkClockSkew],
              ['hostname', checkHostname],
              ['machine-id', checkMachineId],
            ] as const
          ).map(([name, check]) => ({
            name,
            async check(inner) {
              const { hostname, machineId, clockMillis } = await host.facts(inner);
              const clockOffsetMillis = clockMillis - clock.now();
              const own = { machine: metadata.name, hostname, machineId, clockOffsetMillis };
              return [check(own, fleet())];
            },
          }));
    return [
      ...hostChecks(host, goal),
      ...together,
      ...nodeChecks(host, goal.node, {
        probe,
        isRunning,
        ...(spec.node?.credentialSecretRef === undefined
          ? {}
          : { credential: (inner: AbortSignal) => this.nodeFiles(goal, inner) }),
      }),
      ...preflight({ host, goal, fetcher, images }),
    ];
  }

  #require(wanted: string, found: string): void {
    if (wanted !== found)
      throw new GoalChangedError(`the goal became ${found} while ${wanted} was worked on`);
  }

  #places(slot: Slot, signal: AbortSignal): Promise<readonly ArtifactPlace[] | Pending> {
    const { host, artifacts } = this.#options;
    const { machineDirectory } = this.names(slot);
    return artifactPlaces(this.#machine, { host, artifacts, slot, machineDirectory }, signal);
  }

  /** Also of artifacts that are gone, as far as it was written down where they were put. */
  async #artifactPaths(signal: AbortSignal): Promise<readonly string[]> {
    const known = artifactPaths(this.#machine);
    try {
      const places = await this.#places('a', signal);
      const named = 'pending' in places ? [] : places.map(({ path }) => path);
      return [...new Set([...known, ...named])];
    } catch (error) {
      if (error instanceof HostCommandError || error instanceof ArtifactError) return known;
      throw error;
    }
  }

  #declaredFiles(signal: AbortSignal): Promise<readonly DeclaredFile[] | Pending> {
    const { metadata, spec } = this.#machine;
    const { namespace = '' } = metadata;
    return declaredFiles(this.#options.artifacts, namespace, spec.files ?? [], signal);
  }

  /** Beside those of the host: with a root they are in that. */
  #hasFiles(): boolean {
    return this.#machine.spec.rootfs === undefined;
  }

  #files(): MachineFiles {
    return { host: this.#options.host, name: hostName(this.#machine) };
  }

  #staging(): StagingWork {
    const { host, artifacts, ids, workFolder, limits } = this.#options;
    const { downloads } = limits;
    return { host, artifacts, ids, workFolder: join(workFolder, 'artifacts'), downloads };
  }
}

/** For the slot that does not run: where a run would build. */
export function idleSlot(active: Slot | undefined): Slot {
  return active === undefined ? 'a' : otherSlot(active);
}
