// Hosts of a k0s cluster as folders, with the stand-in of k0s on them, and our controllers over an API in memory.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostArtifacts } from '#controllers/binaries/host-artifact.ts';
import { HostContent } from '#controllers/cluster/distributions/k0s/host-content.ts';
import { K0sMember } from '#controllers/cluster/distributions/k0s/k0s-member.ts';
import { MemoryApi } from '#controllers/cluster/memory-api-fixture.ts';
import type { Member, MemberDriver } from '#controllers/cluster/member-driver.ts';
import { MemberReconciler } from '#controllers/cluster/member-reconciler.ts';
import { ClusterReconciler } from '#controllers/cluster/reconciler.ts';
import type { Cluster, ClusterSpec, Machine } from '#controllers/cluster/types.ts';
import { LocalDirHost } from '#controllers/hosts/local-dir/local-dir-host.ts';
import { Slots } from '#controllers/hosts/slots.ts';
import { isConflict } from '#controllers/machinery/request-error.ts';
import { CLUSTERS, MACHINES } from '#controllers/machinery/resources.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { k0sProgram } from './k0s-program.ts';
import { tempDir } from './temp-dir.ts';

const { signal } = new AbortController();
const NAMESPACE = 'default';

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

export class K0sFleet {
  readonly api = new MemoryApi();
  readonly shared = tempDir();
  readonly events: string[] = [];
  /** Name → what its Artifact holds. */
  readonly held = new Map<string, { readonly version?: string; readonly text: string }>();
  readonly artifacts: HostArtifacts = {
    find: async (_, name) => {
      const found = this.held.get(name);
      if (found === undefined) return { pending: `Artifact ${name} is not there yet` };
      const { version, text } = found;
      const about = { type: 'File', mode: undefined, installPath: undefined, version } as const;
      return { ...about, digest: `sha256:${sha256Of(text)}`, delivery: { by: 'Upload' } };
    },
    open: (digest) => {
      const found = [...this.held.values()].find(({ text }) => digest.endsWith(sha256Of(text)));
      return bytesOf(found?.text ?? '');
    },
    bring: () => Promise.resolve(),
    localFiles: () => Promise.reject(new Error('there are no local files here')),
  };
  readonly #roots = new Map<string, string>();
  readonly #reconciler: ClusterReconciler;
  readonly #members: MemberReconciler;

  constructor(spec: ClusterSpec) {
    const client = this.api.client('controller');
    const events = {
      record: (
        _resource: unknown,
        _object: unknown,
        _type: string,
        reason: string,
        message: string,
      ) => void this.events.push(`${reason} ${message}`),
    };
    this.#reconciler = new ClusterReconciler({ client, clock: systemClock, events });
    this.#members = new MemberReconciler({
      client,
      clock: systemClock,
      events,
      open: (member) => this.#open(member),
      verifyWithinMs: 0,
    });
    this.api.create(CLUSTERS, NAMESPACE, {
      metadata: { name: 'c' },
      spec: { distribution: 'K0s', ...spec },
    });
  }

  get cluster(): Cluster {
    const [cluster] = this.api.list<Cluster>(CLUSTERS, NAMESPACE).items;
    if (cluster === undefined) throw new Error('the cluster is gone');
    return cluster;
  }

  get machines(): readonly Machine[] {
    return this.api.list<Machine>(MACHINES, NAMESPACE).items;
  }

  get tokens(): readonly string[] {
    return readdirSync(join(this.shared, 'tokens'));
  }

  condition(type: string): string {
    const found = this.cluster.status?.conditions?.find((condition) => condition.type === type);
    return found === undefined ? '' : `${found.status} ${found.reason}: ${found.message}`;
  }

  /** Folder that is the host of a machine. */
  root(machine: string): string {
    const known = this.#roots.get(machine);
    if (known !== undefined) return known;
    const root = tempDir();
    mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
    mkdirSync(join(root, 'etc'), { recursive: true });
    writeFileSync(join(root, 'etc/hostname'), `${machine}\n`);
    this.#roots.set(machine, root);
    return root;
  }

  put(machine: string, path: string, version: string): void {
    writeFileSync(join(this.root(machine), path), this.program(version), { mode: 0o755 });
  }

  /** The stand-in of k0s as a text. @param note two of one version differ by it */
  program(version: string, note = ''): string {
    return k0sProgram(version, this.shared, note);
  }

  /** Command lines of k0s on that host, but those that only ask. */
  commands(machine: string): readonly string[] {
    const file = join(this.root(machine), 'var/lib/k0s/commands');
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  }

  forget(): void {
    for (const root of this.#roots.values()) writeFileSync(join(root, 'var/lib/k0s/commands'), '');
  }

  async change(spec: object): Promise<void> {
    await this.api.client('user').patch(CLUSTERS, NAMESPACE, 'c', '', 'merge', { spec }, signal);
  }

  async delete(): Promise<void> {
    await this.api.client('user').delete(CLUSTERS, NAMESPACE, 'c', {}, signal);
  }

  /** Until nothing is written any more. */
  async settle(): Promise<void> {
    for (let round = 0; round < 200; round += 1) {
      const before = this.api.version;
      const [cluster] = this.api.list<Cluster>(CLUSTERS, NAMESPACE).items;
      if (cluster === undefined) return;
      await this.#reconciler.reconcile(
        cluster,
        { machines: this.machines, nodes: () => undefined },
        signal,
      );
      for (const machine of this.machines)
        await this.#members.reconcile(machine, cluster, this.machines, signal);
      if (this.api.version === before) return;
    }
    throw new Error(`no end: ${JSON.stringify(this.cluster.status?.conditions)}`);
  }

  /** The same with everybody at work at once, as controllers are: nobody waits for his turn. @param look between their steps */
  async settleTogether(look: () => void): Promise<void> {
    const looking = new AbortController();
    const watch = (async () => {
      while (!looking.signal.aborted) {
        look();
        await delay(5);
      }
    })();
    try {
      for (let round = 0; round < 500; round += 1) {
        const before = this.api.version;
        const { cluster, machines } = this;
        const surroundings = { machines, nodes: () => undefined };
        const results = await Promise.allSettled([
          this.#reconciler.reconcile(cluster, surroundings, signal),
          ...machines.map((machine) => this.#members.reconcile(machine, cluster, machines, signal)),
        ]);
        // Two that wrote to one object at once: as in a real server one of them looks again.
        for (const result of results)
          if (result.status === 'rejected' && !isConflict(result.reason)) throw result.reason;
        if (this.api.version === before) return;
      }
      throw new Error(`no end: ${JSON.stringify(this.cluster.status?.conditions)}`);
    } finally {
      looking.abort();
      await watch;
    }
  }

  async #open(member: Member): Promise<MemberDriver> {
    const { name } = member.machine.metadata;
    const controller = member.peers.find(
      ({ metadata, spec, status }) =>
        spec.role !== 'worker' && metadata.name !== name && status?.phase === 'Ready',
    );
    const host = await this.#host(name);
    return new K0sMember({
      member,
      host,
      controller: controller === undefined ? undefined : await this.#host(controller.metadata.name),
      content: this.#contentOf(member, host),
      clock: systemClock,
      endpoint: `https://${name}:6443`,
      nodeName: name,
    });
  }

  /** Without an Artifact in its template a member gets the program of its version, wherever from. */
  #contentOf(member: Member, host: LocalDirHost): HostContent {
    const { name } = member.machine.metadata;
    const hasArtifact = member.machine.spec['artifacts'] !== undefined;
    const put = (path: string, version: string): void => this.put(name, path, version);
    class Content extends HostContent {
      override async stageProgram(path: string, until: AbortSignal): Promise<void> {
        if (hasArtifact) await super.stageProgram(path, until);
        else put(path, member.version ?? '');
      }
    }
    return new Content({
      host,
      member,
      artifacts: this.artifacts,
      ids: systemIds,
      workFolder: this.shared,
      downloads: new Slots(0),
      digestOf: (path, until) => host.digest(path, until),
    });
  }

  #host(machine: string): Promise<LocalDirHost> {
    return LocalDirHost.open({ path: this.root(machine), clock: systemClock, ids: systemIds });
  }
}
