// From a Machine of a k0s cluster to what drives it: its host, a controller to ask, and what is declared for it.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { HostArtifacts } from '../../../binaries/host-artifact.ts';
import type { HostDriver } from '../../../hosts/host-driver.ts';
import { limitedHost } from '../../../hosts/work-limits.ts';
import type { LimitGroups, WorkLimits } from '../../../hosts/work-limits.ts';
import type { ProvidedHosts } from '../../../infra-provider/provided-host.ts';
import { providedMachine, reachMachine } from '../../../machine/open-machine-host.ts';
import type { ReachedHost } from '../../../machine/open-machine-host.ts';
import type { Machine as FullMachine } from '../../../machine/types.ts';
import type { Client } from '../../../machinery/client-types.ts';
import { HostOffError } from '../../member-driver.ts';
import type { Member, MemberDriver } from '../../member-driver.ts';
import type { Cluster, Machine } from '../../types.ts';
import { isController } from '../../wanted-machines.ts';
import { HostContent } from './host-content.ts';
import { K0sMember } from './k0s-member.ts';

export interface OpenK0sOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly artifacts: HostArtifacts;
  /** For pools whose machines a provider makes. */
  readonly hosts: Pick<ProvidedHosts, 'ensure' | 'stop' | 'remove'>;
  readonly limits: LimitGroups;
  /** Of this machine, for what is on its way to hosts. */
  readonly workFolder: string;
}

interface Seen {
  /** What the file looked like. */
  readonly mark: string;
  readonly sha256: string | undefined;
}

const MOST_SEEN = 10_000;

export class K0sOpener {
  readonly #options: OpenK0sOptions;
  /** Machine and path → what was seen there: a program is too big to be read each time. */
  readonly #seen = new Map<string, Seen>();

  constructor(options: OpenK0sOptions) {
    this.#options = options;
  }

  async open(member: Member, signal: AbortSignal): Promise<MemberDriver> {
    const { machine, peers, cluster } = member;
    const { clock, artifacts, ids, workFolder } = this.#options;
    const asked = peers.find(
      ({ metadata, spec, status }) =>
        isController(spec.role) &&
        metadata.name !== machine.metadata.name &&
        metadata.deletionTimestamp === undefined &&
        status?.phase === 'Ready',
    );
    const limits = this.#limitsOf(cluster);
    const reached = await this.#reach(machine, signal);
    const host = limitedHost(reached.host, limits);
    try {
      const controller = asked === undefined ? undefined : await this.host(asked, signal);
      const { hostname } = await host.facts(signal);
      const content = new HostContent({
        host,
        member,
        artifacts,
        ids,
        workFolder,
        downloads: limits.downloads,
        digestOf: (path, until) => this.#digestOf(host, machine, path, until),
      });
      return new K0sMember({
        member,
        host,
        controller,
        content,
        clock,
        endpoint: endpointOf(reached),
        nodeName: hostname.toLowerCase(),
      });
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @throws HostUnreachableError, HostCommandError for a connection that cannot work, NoHostError, HostOffError */
  async host(machine: Machine, signal: AbortSignal): Promise<HostDriver> {
    return (await this.#reach(machine, signal)).host;
  }

  /** Off with it, where a provider has power over it. */
  async powerOff(machine: Machine, signal: AbortSignal): Promise<void> {
    const provided = providedMachine(fully(machine));
    if (provided !== undefined) await this.#options.hosts.stop(provided, signal);
  }

  /** The host itself, where a provider made it. */
  async removeHost(machine: Machine, signal: AbortSignal): Promise<void> {
    const provided = providedMachine(fully(machine));
    if (provided !== undefined) await this.#options.hosts.remove(provided, signal);
  }

  async #reach(machine: Machine, signal: AbortSignal): Promise<ReachedHost> {
    const { hosts } = this.#options;
    const reached = await reachMachine(this.#options, hosts, fully(machine), signal);
    if (reached === 'off') throw new HostOffError(`the host of ${machine.metadata.name} is off`);
    return reached;
  }

  #limitsOf({ metadata, spec }: Cluster): WorkLimits {
    const group = `${metadata.namespace ?? ''}/${metadata.name}`;
    return this.#options.limits.of(group, spec.concurrency ?? {});
  }

  async #digestOf(
    host: HostDriver,
    { metadata }: Machine,
    path: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const key = `${metadata.uid} ${path}`;
    const found = await host.stat(path, signal);
    if (found === undefined) {
      this.#seen.delete(key);
      return undefined;
    }
    const mark = `${found.size} ${found.modifiedMillis}`;
    const seen = this.#seen.get(key);
    if (seen?.mark === mark) return seen.sha256;
    const sha256 = await host.digest(path, signal);
    if (this.#seen.size >= MOST_SEEN) this.#seen.clear();
    this.#seen.set(key, { mark, sha256 });
    return sha256;
  }
}

/** The schema of Machine says what may be in it; what cannot be used is refused by name. */
function fully(machine: Machine): FullMachine {
  return machine as unknown as FullMachine;
}

function endpointOf({ connection: { ssh } }: ReachedHost): string | undefined {
  const address = ssh?.address;
  if (address === undefined || address === '') return undefined;
  return `https://${address.includes(':') ? `[${address}]` : address}:6443`;
}
