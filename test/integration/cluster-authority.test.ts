// A Windlass cluster of other machines changes its authority and forgets the former one: whoever made it goes on reaching it, and nodes
// go on joining it. Both servers are real; the machine that the inner one runs on is played.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { readFileSync } from 'node:fs';
import { clusterAuthorities } from '#cli/cluster-authorities.ts';
import { parseToken } from '#cli/node/bootstrap-token.ts';
import { joinServer } from '#cli/node/join-server.ts';
import { seedOf } from '#cli/seed-option.ts';
import { ClusterKeyring } from '#controllers/cluster/distributions/windlass/cluster-keys.ts';
import type { ClusterKeys } from '#controllers/cluster/distributions/windlass/cluster-keys.ts';
import { connectionTo } from '#controllers/cluster/distributions/windlass/reach-cluster.ts';
import { windlassConfiguration } from '#controllers/cluster/distributions/windlass/windlass-commands.ts';
import type { Member } from '#controllers/cluster/member-driver.ts';
import type { Cluster } from '#controllers/cluster/types.ts';
import type { Provider } from '#controllers/infrastructure/provider.ts';
import { HttpClient } from '#controllers/machinery/client.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { NODES, SECRETS } from '#controllers/machinery/resources.ts';
import { startControlPlane } from '#controlplane/start.ts';
import { systemClock } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { tempDir } from '../support/temp-dir.ts';

const CHANGE = '/windlass/v1/certificates';

interface Inner {
  readonly folder: string;
  readonly port: number;
  /** As an administrator with a file of the inner server's own folder: somebody at that machine. */
  readonly change: (verb: 'rotate-authority' | 'forget-authorities') => Promise<void>;
}

/** A server that began with what a controller's node gets. */
async function startInner(t: TestContext, keys: ClusterKeys): Promise<Inner> {
  const seed = seedOf('env:SEED', { SEED: keys.seed }) ?? assert.fail();
  const folder = tempDir();
  const abort = new AbortController();
  const server = await startControlPlane(
    {
      dataDir: join(folder, 'data'),
      bind: '127.0.0.1',
      port: 0,
      persistence: [`sqlite:${join(folder, 'state.db')}`],
      secretsKeys: [{ type: 'file', path: join(folder, 'data.key') }],
      ownKinds: [],
      bootstrapObjects: [seed.token],
      authority: seed.authority,
      version: '0.0.0',
      logger: silentLogger,
      clock: systemClock,
      metrics: new MetricsRegistry(),
    },
    abort.signal,
  );
  t.after(async () => {
    abort.abort(new Error('the test is over'));
    await server.close();
  });
  const change = async (verb: string): Promise<void> => {
    await using admin = clientOf(await loadConnection(server.adminKubeconfig));
    await admin.postBytes(`${CHANGE}/${verb}`, new Uint8Array(), abort.signal);
  };
  return { folder, port: server.port, change };
}

function clientOf(connection: ConstructorParameters<typeof HttpClient>[0]['connection']) {
  return new HttpClient({
    connection,
    clock: systemClock,
    metrics: new MetricsRegistry(),
    userAgent: 'windlass-test',
    random: Math.random,
  });
}

/** The cluster as its controllers see it: its one server is a node with an address of this machine. */
function seenAt(port: number, cluster: Cluster) {
  const controller = {
    metadata: { ...cluster.metadata, name: 'own-cp-0' },
    spec: { role: 'controller' as const },
  };
  const member: Member = {
    cluster,
    machine: controller,
    peers: [controller],
    role: 'worker',
    version: undefined,
    flags: [],
    configuration: {},
  };
  const node = { name: 'own-cp-0', state: 'running', isOwned: true, addresses: ['127.0.0.1'] };
  const provider = {
    readyState: 'running',
    capabilities: [],
    listNodes: () => Promise.resolve([node]),
  } as unknown as Provider;
  const configuration = windlassConfiguration({ program: ['windlass'], port }, [], true);
  return async (keys: ClusterKeys, signal: AbortSignal) =>
    (await connectionTo(member, configuration, { provider, keys }, signal)) ?? assert.fail();
}

test('a cluster that changes and forgets its authority is reached and joined as before', async (t) => {
  const outer = await TestControlPlane.start(t);
  const { client, signal } = outer;
  const metadata = {
    name: 'own',
    namespace: 'default',
    uid: 'uid-own',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  const cluster: Cluster = { metadata, spec: {} };
  let later = 0;
  const clock: Clock = {
    now: () => systemClock.now() + later,
    monotonic: () => systemClock.monotonic() + later,
    schedule: (delayMs, callback) => systemClock.schedule(delayMs, callback),
  };
  const ringOf = () =>
    new ClusterKeyring({
      client,
      clock,
      ids: systemIds,
      authorities: clusterAuthorities(systemClock),
    });
  const ring = ringOf();
  const first = await ring.of(cluster, signal);
  const inner = await startInner(t, first);
  const reach = seenAt(inner.port, cluster);
  const secret = () =>
    client.get<ApiObject & { readonly data: Readonly<Record<string, string>> }>(
      SECRETS,
      'default',
      'own-join',
      signal,
    );
  const nodes = async (keys: ClusterKeys): Promise<number> => {
    await using api = clientOf(await reach(keys, signal));
    return (await api.list(NODES, {}, signal)).items.length;
  };
  const follow = async (one: ClusterKeyring): Promise<ClusterKeys> => {
    await using api = clientOf(await reach(await one.of(cluster, signal), signal));
    await one.follow(cluster, api, signal);
    return one.of(cluster, signal);
  };
  const joins = async ({ token }: ClusterKeys, nodeName: string): Promise<void> => {
    const parsed = parseToken(token);
    await joinServer(
      {
        server: new URL(`https://127.0.0.1:${inner.port}`),
        token: parsed,
        authorityHash: parsed.authorityHash ?? assert.fail(),
        nodeName,
        file: join(inner.folder, `${nodeName}.kubeconfig`),
        lifetimeSeconds: 3_600,
        clock: systemClock,
        ids: systemIds,
      },
      signal,
    );
  };

  assert.equal(await nodes(first), 0);
  const before = (await secret()).metadata.resourceVersion;
  assert.equal((await follow(ring)).token, first.token);
  assert.equal(
    (await secret()).metadata.resourceVersion,
    before,
    'nothing changed, nothing is written',
  );

  await inner.change('rotate-authority');
  // Before anybody looked, all goes on; and it is looked at once a minute.
  assert.equal((await follow(ring)).token, first.token);
  await joins(first, 'n1');
  later += 60_000;
  const second = await follow(ring);
  assert.notEqual(second.token, first.token);
  assert.equal(second.seed, first.seed);
  assert.equal(second.credential.type, 'token');
  assert.equal(await nodes(second), 0);
  await joins(second, 'n2');

  await inner.change('forget-authorities');
  await assert.rejects(nodes(first), 'the former authority is believed no more');
  assert.equal(await nodes(second), 0);
  await joins(second, 'n3');
  // One that begins anew knows what is in the Secret.
  const other = ringOf();
  const third = await follow(other);
  assert.equal(await nodes(third), 0);
  assert.ok(!third.authorities.includes(first.authority.certificate));
  await joins(third, 'n4');

  // Locked out, because nobody looked in between: what is put into the Secret by hand counts half a minute later.
  await inner.change('rotate-authority');
  await inner.change('forget-authorities');
  await assert.rejects(nodes(third));
  const file = (name: string): string =>
    readFileSync(join(inner.folder, 'data/pki', name)).toString('base64');
  const data = {
    'ca.crt': file('ca.crt'),
    'ca.key': file('ca.key'),
    'authorities.crt': null,
    'admin-token': null,
  };
  await client.patch(SECRETS, 'default', 'own-join', '', 'merge', { data }, signal);
  later += 30_000;
  const fourth = await other.of(cluster, signal);
  assert.equal(await nodes(fourth), 0);
  await joins(fourth, 'n5');

  // A first server that is made again begins with what the Secret says of the beginning.
  await inner.change('rotate-authority');
  later += 60_000;
  assert.equal((await follow(other)).credential.type, 'token');
  await other.beginAnew(cluster, signal);
  const again = await other.of(cluster, signal);
  assert.deepEqual([again.token, again.credential.type], [fourth.token, 'certificate']);
  assert.deepEqual(Object.keys((await secret()).data).toSorted(), ['ca.crt', 'ca.key', 'token']);
});
