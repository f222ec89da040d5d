// Nodes of a Windlass cluster that are machines of their own: what they are made with, and how they find and know each other.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { clusterAuthorities } from './cluster-authorities.ts';
import { authorityHash, parseToken } from './node/bootstrap-token.ts';
import { seedOf } from './seed-option.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import type { NodeInfo, Provider } from '#controllers/infrastructure/provider.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { FakeClock } from '#controllers/machinery/machinery-fixture.ts';
import { RequestError } from '#controllers/machinery/request-error.ts';
import type { Member } from '#controllers/cluster/member-driver.ts';
import type { Cluster, Role } from '#controllers/cluster/types.ts';
import { ClusterKeyring } from '#controllers/cluster/distributions/windlass/cluster-keys.ts';
import type {
  ClusterAuthorities,
  ClusterKeys,
} from '#controllers/cluster/distributions/windlass/cluster-keys.ts';
import {
  connectionTo,
  joiningOf,
} from '#controllers/cluster/distributions/windlass/reach-cluster.ts';
import {
  commandElsewhere,
  environmentOf,
  windlassConfiguration,
} from '#controllers/cluster/distributions/windlass/windlass-commands.ts';

const { signal } = new AbortController();
const AUTHORITIES = clusterAuthorities(systemClock);

function metadata(name: string, uid = `uid-${name}`): ApiObject['metadata'] {
  const creationTimestamp = '2026-01-01T00:00:00Z';
  return { name, namespace: 'ns', uid, resourceVersion: '1', creationTimestamp };
}

const HOME: Cluster = { metadata: metadata('home'), spec: {} };

/** Secrets, as a server keeps them. */
class Secrets {
  readonly kept = new Map<string, Record<string, unknown>>();

  get<T extends ApiObject>(_resource: unknown, _namespace: string, name: string): Promise<T> {
    const found = this.kept.get(name);
    return found === undefined ? refused(404, 'NotFound') : Promise.resolve(found as unknown as T);
  }

  create<T extends ApiObject>(_resource: unknown, _namespace: string, body: object): Promise<T> {
    const { metadata: about, stringData } = body as {
      readonly metadata: { readonly name: string };
      readonly stringData: Readonly<Record<string, string>>;
    };
    if (this.kept.has(about.name)) return refused(409, 'AlreadyExists');
    const data = Object.entries(stringData).map(([key, text]) => [
      key,
      Buffer.from(text).toString('base64'),
    ]);
    const object = { metadata: about, data: Object.fromEntries(data) as unknown };
    this.kept.set(about.name, object);
    return Promise.resolve(object as unknown as T);
  }

  patch(): Promise<never> {
    return refused(405, 'MethodNotAllowed');
  }
}

function certificateOf({ credential }: ClusterKeys): string {
  assert.ok(credential.type === 'certificate');
  return credential.pair.certificate;
}

function refused(code: number, reason: string): Promise<never> {
  return Promise.reject(new RequestError(code, reason, reason));
}

function keyringOf(
  client: Secrets,
  clock = new FakeClock(),
  authorities: ClusterAuthorities = AUTHORITIES,
): ClusterKeyring {
  return new ClusterKeyring({ client, clock, ids: systemIds, authorities });
}

function member(role: Role, name: string, configuration: Record<string, unknown>): Member {
  const machine = { metadata: metadata(name), spec: { role } };
  const controller = { metadata: metadata('home-cp-0'), spec: { role: 'controller' as const } };
  const peers = role === 'controller' ? [machine] : [controller, machine];
  return { cluster: HOME, machine, peers, role, version: undefined, flags: [], configuration };
}

function providerOf(nodes: readonly Partial<NodeInfo>[], names: boolean): Provider {
  const all = nodes.map((node) => ({
    clusterName: 'home',
    role: 'controller',
    state: 'running',
    isOwned: true,
    ...node,
  }));
  const capabilities = names ? ['nodeNames'] : [];
  const provider = { readyState: 'running', capabilities, listNodes: () => Promise.resolve(all) };
  return provider as unknown as Provider;
}

test('a cluster gets one authority and one token, however many ask at once', async () => {
  const secrets = new Secrets();
  const rings = [keyringOf(secrets), keyringOf(secrets)];
  const found = await Promise.all(
    rings.flatMap((ring) => [ring.of(HOME, signal), ring.of(HOME, signal)]),
  );
  const [{ token, authority, seed } = assert.fail()] = found;
  for (const keys of found) assert.deepEqual([keys.token, keys.authority], [token, authority]);
  assert.deepEqual([...secrets.kept.keys()], ['home-join']);
  const made = secrets.kept.get('home-join')?.['metadata'] as ApiObject['metadata'] | undefined;
  const owners = made?.ownerReferences;
  assert.deepEqual(
    owners?.map(({ kind, uid }) => `${kind} ${uid}`),
    ['Cluster uid-home'],
  );
  // Both sides take it: a server by --seed, a node by --token.
  assert.equal(parseToken(token).authorityHash, authorityHash(authority.certificate));
  const begun = seedOf('env:SEED', { SEED: seed });
  assert.deepEqual(begun?.authority, authority);
  assert.match(
    JSON.stringify(begun?.token),
    new RegExp(`bootstrap-token-${parseToken(token).id}"`),
  );
  const admin = new X509Certificate(certificateOf(found[0] ?? assert.fail()));
  assert.ok(admin.verify(new X509Certificate(authority.certificate).publicKey));
  assert.match(admin.subject, /O=system:masters/);
});

test('the certificate of the administrator is made anew in time, the rest stays', async () => {
  const clock = new FakeClock();
  const secrets = new Secrets();
  let admins = 0;
  const counted = {
    newAuthority: () => AUTHORITIES.newAuthority(),
    newAdmin(authority: Parameters<ClusterAuthorities['newAdmin']>[0]) {
      admins += 1;
      return AUTHORITIES.newAdmin(authority);
    },
  };
  const ring = keyringOf(secrets, clock, counted);
  const before = await ring.of(HOME, signal);
  await ring.of(HOME, signal);
  assert.equal(admins, 1);
  clock.advance(2 * 86_400_000);
  const after = await ring.of(HOME, signal);
  assert.equal(admins, 2);
  assert.equal(after.token, before.token);
});

test('a Secret of that name that is not the cluster’s is left alone', async () => {
  const secrets = new Secrets();
  await keyringOf(secrets).of({ ...HOME, metadata: metadata('home', 'uid-former') }, signal);
  await assert.rejects(keyringOf(secrets).of(HOME, signal), {
    name: 'NotYetError',
    message: /^Secret home-join is not this cluster's/,
  });
});

test('controllers begin with the seed, workers join the first that runs; no secret is an argument', async () => {
  const keys = await keyringOf(new Secrets()).of(HOME, signal);
  const own = { program: ['windlass'], port: 7443, runtime: 'docker' };
  const configuration = windlassConfiguration(own, [], true);
  const controller = member('controller', 'home-cp-0', own);
  const worker = member('worker', 'home-w-0', own);
  const node = { name: 'home-cp-0', addresses: ['172.18.0.2'] };

  const first = await joiningOf(
    controller,
    configuration,
    { provider: providerOf([], true), keys },
    signal,
  );
  assert.deepEqual(environmentOf(controller, first), { WINDLASS_CLUSTER_SEED: keys.seed });
  const up = commandElsewhere(controller, configuration, first)?.join(' ');
  assert.equal(
    up,
    'windlass up --data-dir /var/lib/windlass --runtime docker --log-format json --bind 0.0.0.0 --port 7443 --seed env:WINDLASS_CLUSTER_SEED --no-node',
  );

  const none = { provider: providerOf([{ ...node, state: 'exited' }], true), keys };
  await assert.rejects(joiningOf(worker, configuration, none, signal), { name: 'NotYetError' });
  for (const [names, host] of [
    [true, 'home-cp-0'],
    [false, '172.18.0.2'],
  ] as const) {
    const way = { provider: providerOf([node], names), keys };
    const joining = await joiningOf(worker, configuration, way, signal);
    const server = `https://${host}:7443`;
    assert.deepEqual(environmentOf(worker, joining), {
      WINDLASS_TOKEN: keys.token,
      WINDLASS_SERVER: server,
    });
    assert.equal(
      commandElsewhere(worker, configuration, joining)?.join(' '),
      `windlass node join ${server} --node-name home-w-0 --data-dir /var/lib/windlass --runtime docker --log-format json`,
    );
    const connection = await connectionTo(worker, configuration, way, signal);
    assert.equal(connection?.server.href, 'https://172.18.0.2:7443/');
    assert.equal(connection.tls.cert, certificateOf(keys));
  }
});

test('without a program an image or userData joins as it likes, and nobody waits for an address', async () => {
  const keys = await keyringOf(new Secrets()).of(HOME, signal);
  const configuration = windlassConfiguration({ command: ['sleep', '9'] }, [], true);
  const worker = member('worker', 'home-w-0', {});
  const way = { provider: providerOf([{ name: 'home-cp-0' }], false), keys };
  const joining = await joiningOf(worker, configuration, way, signal);
  assert.deepEqual(commandElsewhere(worker, configuration, joining), ['sleep', '9']);
  assert.deepEqual(environmentOf(worker, joining), { WINDLASS_TOKEN: keys.token });
});

test('a seed that is none is refused without a word of it', () => {
  const certificate = 'hunter2';
  const wrong: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    ['hunter2', {}, /^--seed must be file:PATH or env:NAME/],
    ['env:S', {}, /^--seed env:S: there is no such variable/],
    ['file:/nowhere/at/all', {}, /^--seed file:\/nowhere\/at\/all: ENOENT/],
    ['env:S', { S: 'hunter2' }, /^--seed env:S: must hold JSON/],
    ['env:S', { S: '{"certificate":7}' }, /^--seed env:S: certificate must be a text/],
    ['env:S', { S: JSON.stringify({ certificate }) }, /certificate must be PEM of an authority/],
  ];
  for (const [value, environment, message] of wrong)
    assert.throws(
      () => seedOf(value, environment),
      (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
});
