// From a Machine of a k0s cluster to what drives it: its host, a controller to ask, the program from the Artifact that it names.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { ArtifactStore } from '../../../binaries/artifact-store.ts';
import type { HostConnection } from '../../../hosts/host-connection.ts';
import type { HostDriver } from '../../../hosts/host-driver.ts';
import { HostCommandError } from '../../../hosts/host-errors.ts';
import { openHost } from '../../../hosts/open-host.ts';
import { Slots } from '../../../hosts/slots.ts';
import type { ApiObject, ApiResource, Client } from '../../../machinery/client-types.ts';
import { isConditionTrue } from '../../../machinery/conditions.ts';
import type { Condition } from '../../../machinery/conditions.ts';
import { isNotFound } from '../../../machinery/request-error.ts';
import { SECRETS } from '../../../machinery/resources.ts';
import { NotYetError } from '../../member-driver.ts';
import type { Member, MemberDriver } from '../../member-driver.ts';
import type { Machine } from '../../types.ts';
import { isController } from '../../wanted-machines.ts';
import { K0sMember } from './k0s-member.ts';

const ARTIFACTS: ApiResource = {
  group: 'windlass.dev',
  version: 'v1alpha1',
  resource: 'artifacts',
  kind: 'Artifact',
  namespaced: true,
};

interface Artifact extends ApiObject {
  readonly spec: {
    readonly version?: string;
    readonly sources?: readonly { readonly existing?: { readonly path: string } }[];
  };
  readonly status?: { readonly digest?: string; readonly conditions?: readonly Condition[] };
}

interface Secret extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
}

export interface OpenK0sOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Absent: programs must lie on the hosts already. */
  readonly store?: Pick<ArtifactStore, 'find' | 'read'>;
}

export class K0sOpener {
  readonly #options: OpenK0sOptions;
  /** Cluster → how many files are sent at a time. */
  readonly #uploads = new Map<string, { readonly limit: number; readonly slots: Slots }>();

  constructor(options: OpenK0sOptions) {
    this.#options = options;
  }

  async open(member: Member, signal: AbortSignal): Promise<MemberDriver> {
    const { machine, peers } = member;
    const asked = peers.find(
      ({ metadata, spec, status }) =>
        isController(spec.role) &&
        metadata.name !== machine.metadata.name &&
        metadata.deletionTimestamp === undefined &&
        status?.phase === 'Ready',
    );
    const host = await this.host(machine, signal);
    try {
      const controller = asked === undefined ? undefined : await this.host(asked, signal);
      const { hostname } = await host.facts(signal);
      return new K0sMember({
        member,
        host,
        controller,
        stage: (to, of, path, until) => this.#stage(to, of, path, until),
        clock: this.#options.clock,
        endpoint: endpointOf(machine),
        nodeName: hostname.toLowerCase(),
      });
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @throws HostUnreachableError, HostCommandError for a connection that cannot work */
  host({ metadata, spec }: Machine, signal: AbortSignal): Promise<HostDriver> {
    const { client, clock, ids } = this.#options;
    const { namespace = '', name } = metadata;
    // The schema of Machine says what may be in it; what cannot be used is refused by name.
    const connection = spec['connection'] as HostConnection | undefined;
    if (connection === undefined)
      throw new HostCommandError(
        `Machine ${name}: spec.connection says how its host is reached; it is missing`,
      );
    const secret = async (of: string, key: string): Promise<string | undefined> => {
      try {
        const { data } = await client.get<Secret>(SECRETS, namespace, of, signal);
        const value = data?.[key];
        return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    };
    return openHost(connection, { name, secret, clock, ids }, signal);
  }

  async #stage(host: HostDriver, member: Member, path: string, signal: AbortSignal): Promise<void> {
    const { machine } = member;
    const [reference] = (machine.spec['artifacts'] ?? []) as readonly { readonly name: string }[];
    if (reference === undefined)
      throw new HostCommandError(
        `Machine ${machine.metadata.name}: the template of its pool names no artifact: say in artifacts which Artifact is the k0s program`,
      );
    const { client, store } = this.#options;
    const { namespace = '' } = machine.metadata;
    let artifact: Artifact;
    try {
      artifact = await client.get<Artifact>(ARTIFACTS, namespace, reference.name, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new NotYetError(`there is no Artifact ${reference.name} yet`);
    }
    const existing = artifact.spec.sources?.find(
      (source) => source.existing !== undefined,
    )?.existing;
    if (existing !== undefined && (await host.stat(existing.path, signal)) !== undefined) {
      const bytes = await host.exec(['cp', existing.path, path], { signal });
      if (bytes.exitCode !== 0)
        throw new HostCommandError(`cp ${existing.path}: ${bytes.stderr.trim()}`);
      return;
    }
    const { digest, conditions } = artifact.status ?? {};
    const stored = digest === undefined ? undefined : await store?.find(digest, signal);
    if (
      store === undefined ||
      digest === undefined ||
      stored === undefined ||
      !isConditionTrue(conditions, 'Cached')
    )
      throw new NotYetError(`Artifact ${reference.name} is not there yet`);
    if ((await host.digest(path, signal)) === stored.digest) return;
    await this.#slots(member).run(signal, async () => {
      await host.putFile(path, store.read(digest, signal), {
        signal,
        mode: 0o755,
        sha256: stored.digest,
      });
    });
  }

  #slots({ cluster }: Member): Slots {
    const limit = cluster.spec.concurrency?.uploads ?? 5;
    const { uid } = cluster.metadata;
    const known = this.#uploads.get(uid);
    if (known?.limit === limit) return known.slots;
    const slots = new Slots(limit);
    this.#uploads.set(uid, { limit, slots });
    return slots;
  }
}

function endpointOf({ spec }: Machine): string | undefined {
  const { ssh } = (spec['connection'] ?? {}) as { readonly ssh?: { readonly address?: string } };
  const address = ssh?.address;
  if (address === undefined) return undefined;
  return `https://${address.includes(':') ? `[${address}]` : address}:6443`;
}
