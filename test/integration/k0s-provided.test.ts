// A cluster of k0s on hosts that its provider makes, which fetch the program themselves: the real server and controllers, processes of
// this machine with folders as hosts, and a stand-in of the k0s program.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Artifact } from '#controllers/artifact/types.ts';
import type { Cluster, Machine } from '#controllers/cluster/types.ts';
import { LocalDriver } from '#controllers/infrastructure/local/local-driver.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import {
  ARTIFACTS,
  CLUSTERS,
  INFRA_PROVIDERS,
  MACHINES,
} from '#controllers/machinery/resources.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { eventually } from '../support/eventually.ts';
import { k0sProgram } from '../support/k0s-program.ts';
import { MachineBench } from '../support/machine-bench.ts';
import { processesBelow } from '../support/processes.ts';
import { tempDir } from '../support/temp-dir.ts';

const MISSING =
  process.platform !== 'linux'
    ? 'nodes as processes need Linux'
    : existsSync('/usr/bin/curl')
      ? false
      : 'needs curl';
const FROM = 'v1.30.1+k0s.0';
const TO = 'v1.31.2+k0s.0';
const PATIENCE_MS = 240_000;

/** What a host of the provider is: it has a name, and a shell with which it can fetch. */
const HOST = `mkdir -p etc usr/local/bin bin
[ -x bin/sh ] || { printf '#!/bin/sh\\nexec /bin/sh "$@"\\n' >bin/sh.new && chmod 0755 bin/sh.new && mv bin/sh.new bin/sh; }
basename "$WINDLASS_NODE_DIRECTORY" >etc/hostname
exec sleep 100000`;

test(
  'hosts that a provider makes fetch k0s themselves, and go when their machines do',
  { skip: MISSING, timeout: 900_000 },
  async (t) => {
    const bench = await MachineBench.start(t);
    const { client, signal } = bench.plane;
    const stateDirectory = join(tempDir(), 'nodes');
    mkdirSync(stateDirectory);
    const settings = {
      stateDirectory,
      stopGraceSeconds: '1',
      command: JSON.stringify(['/bin/sh', '-c', HOST]),
    };
    // Nodes outlive who made them, so also a test that fails.
    t.after(async () => {
      const driver = new LocalDriver({ settings, clock: systemClock, ids: systemIds });
      const until = AbortSignal.timeout(120_000);
      for (const node of await driver.list({}, until)) await driver.remove(node, until);
      for (const pid of processesBelow(stateDirectory)) process.kill(pid, 'SIGKILL');
    });
    await bench.controllers(['cluster', 'infra-provider']);
    const shared = tempDir();
    const program = (version: string): string => k0sProgram(version, shared);
    const artifactOf = (version: string): object => {
      bench.releases.put(`k0s-${encodeURIComponent(version)}`, Buffer.from(program(version)));
      return {
        version,
        delivery: 'NodePull',
        sources: [{ url: `${bench.releases.origin}/k0s-${encodeURIComponent(version)}` }],
        sha256: createHash('sha256').update(program(version)).digest('hex'),
      };
    };
    const pool = (name: string, role: string, replicas: number): object => ({
      name,
      role,
      replicas,
      template: { artifacts: [{ name: 'k0s' }] },
    });
    const here = { metadata: { name: 'here' }, spec: { type: 'Local', settings } };
    await client.create(INFRA_PROVIDERS, 'default', here, signal);
    const spec = {
      distribution: 'K0s',
      version: FROM,
      providerRef: { name: 'here' },
      pools: [pool('cp', 'controller', 1), pool('w', 'worker', 2)],
      rollout: { maxUnavailable: 1 },
    };
    await client.create(CLUSTERS, 'default', { metadata: { name: 'c' }, spec }, signal);
    const cluster = (): Promise<Cluster> => client.get<Cluster>(CLUSTERS, 'default', 'c', signal);
    const machines = async (): Promise<readonly Machine[]> =>
      (await client.list<Machine>(MACHINES, { namespace: 'default' }, signal)).items;
    const change = (what: object): Promise<Cluster> =>
      client.patch<Cluster>(CLUSTERS, 'default', 'c', '', 'merge', { spec: what }, signal);
    const at = (name: string, path: string): string => join(stateDirectory, name, 'data', path);
    const until = (what: string, check: (now: Cluster) => void): Promise<void> =>
      eventually(
        what,
        async () => {
          const [now, all] = [await cluster(), await machines()];
          const shown = JSON.stringify([now.status, all.map(({ status }) => status)]);
          assert.equal(now.status?.observedGeneration, now.metadata.generation, shown);
          try {
            check(now);
          } catch (error) {
            throw new Error(`${(error as Error).message}: ${shown}`, { cause: error });
          }
        },
        PATIENCE_MS,
      );
    const isReady = ({ status }: Cluster): void => {
      assert.deepEqual([status?.phase, status?.plan?.length], ['running', 0]);
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      assert.equal(ready?.status, 'True');
    };
    const names = ['c-cp-0', 'c-w-0', 'c-w-1'];
    const versions = async (): Promise<readonly (string | undefined)[]> =>
      (await machines()).map(({ status }) => status?.runningVersion);

    // Hosts are made first; nothing is begun on them while the program is not there.
    await eventually(
      'the hosts are there',
      () => {
        for (const name of names) assert.ok(existsSync(at(name, 'etc/hostname')), name);
      },
      PATIENCE_MS,
    );
    for (const name of names) assert.ok(!existsSync(at(name, 'usr/local/bin/k0s')), name);
    const made = { metadata: { name: 'k0s' }, spec: artifactOf(FROM) };
    await client.create(ARTIFACTS, 'default', made, signal);
    await until('the cluster runs', isReady);
    assert.deepEqual(await versions(), [FROM, FROM, FROM]);
    for (const name of names)
      assert.equal(readFileSync(at(name, 'usr/local/bin/k0s'), 'utf8'), program(FROM), name);
    // Each fetched it, and nobody fetched it for them.
    const fetched = (version: string): number =>
      bench.releases.asked.filter((line) => line === `GET /k0s-${encodeURIComponent(version)}`)
        .length;
    assert.equal(fetched(FROM), 3);
    const artifact = await client.get<Artifact>(ARTIFACTS, 'default', 'k0s', signal);
    assert.equal(artifact.status?.fetchCount ?? 0, 0);

    // A host that gets other bytes keeps what it has and says why; the right ones are taken when somebody asks again.
    const path = `k0s-${encodeURIComponent(TO)}`;
    await client.patch(ARTIFACTS, 'default', 'k0s', '', 'merge', { spec: artifactOf(TO) }, signal);
    bench.releases.tampered.set(path, Buffer.from('#!/bin/sh\necho not what was promised\n'));
    await change({ version: TO });
    await until('the upgrade is refused', ({ status }) => {
      const halted = status?.conditions?.find(({ type }) => type === 'RolloutHalted');
      assert.match(`${halted?.status ?? ''} ${halted?.message ?? ''}`, /^True .*SHA-256 is/);
    });
    for (const name of names) {
      assert.equal(readFileSync(at(name, 'usr/local/bin/k0s'), 'utf8'), program(FROM), name);
      assert.ok(existsSync(at(name, 'var/lib/k0s/running')), name);
    }
    bench.releases.tampered.delete(path);
    await change({ rollout: { maxUnavailable: 1, retryToken: '1' } });
    await until('the cluster is upgraded', isReady);
    assert.deepEqual(await versions(), [TO, TO, TO]);
    for (const name of names)
      assert.equal(readFileSync(at(name, 'usr/local/bin/k0s'), 'utf8'), program(TO), name);

    // Off with the hosts, and on again.
    await change({ powerState: 'Stopped' });
    await until('it is stopped', ({ status }) => assert.equal(status?.phase, 'stopped'));
    await eventually('nothing runs', () => assert.deepEqual(processesBelow(stateDirectory), []));
    await change({ powerState: 'Running' });
    await until('it runs again', isReady);

    // What no pool asks for any more goes with its host.
    await change({ pools: [pool('cp', 'controller', 1), pool('w', 'worker', 1)] });
    await until('it is smaller', isReady);
    await eventually('its host is gone', () =>
      assert.deepEqual(readdirSync(stateDirectory).toSorted(), ['c-cp-0', 'c-w-0']),
    );
    assert.equal(readFileSync(join(shared, 'reset'), 'utf8'), 'c-w-1\n');
    await client.delete(CLUSTERS, 'default', 'c', {}, signal);
    await eventually('all is gone', () => assert.rejects(cluster(), isNotFound), PATIENCE_MS);
    assert.deepEqual(readdirSync(stateDirectory), []);
    assert.deepEqual(await machines(), []);
  },
);
