// Machines join by a token: two real agents of their own processes, and everything that may be wrong with a token, a server or a clock.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import {
  authorityHash,
  newToken as newBootstrapToken,
  parseToken,
  TOKEN_NAMESPACE,
  tokenSecret,
} from '#cli/node/bootstrap-token.ts';
import { joinServer } from '#cli/node/join-server.ts';
import { nextCertificate } from '#cli/node/keep-certificate.ts';
import { runAgent } from '#cli/node/run-agent.ts';
import { HttpClient } from '#controllers/machinery/client.ts';
import { isConditionTrue } from '#controllers/machinery/conditions.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { NODES, PODS, SECRETS } from '#controllers/machinery/resources.ts';
import { systemClock } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { silentLogger } from '#platform/logging.ts';
import type { Logger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';
import { projectRoot } from '../support/windlass.ts';

const MAIN = join(projectRoot, 'cli', 'main.ts');
const LONG_MS = 120_000;
const run = promisify(execFile);

/** Runs a command to its end. */
async function command(
  plane: TestControlPlane,
  ...words: readonly string[]
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return run(process.execPath, [MAIN, ...words, '--kubeconfig', plane.kubeconfig]);
}

async function newToken(plane: TestControlPlane, ...flags: readonly string[]): Promise<string> {
  return (await command(plane, 'token', 'create', ...flags)).stdout.trim();
}

/** The agent of a machine, as a process of its own; killed after the test. */
function agent(t: TestContext, words: readonly string[]): ChildProcess & { said: () => string } {
  const flags = ['--runtime', 'process', '--peer-bind', '127.0.0.1', '--log-level', 'error'];
  const child = spawn(process.execPath, [MAIN, 'node', ...words, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  t.after(() => child.kill('SIGKILL'));
  return Object.assign(child, { said: () => said });
}

function shifted(byMs: () => number): Clock {
  return {
    now: () => systemClock.now() + byMs(),
    monotonic: () => systemClock.monotonic(),
    schedule: (delayMs, work) => systemClock.schedule(delayMs, work),
  };
}

async function isReady(plane: TestControlPlane, name: string): Promise<void> {
  interface Node {
    readonly status?: { readonly conditions?: Parameters<typeof isConditionTrue>[0] };
  }
  await eventually(
    `node ${name} is Ready`,
    async () => {
      const node = await plane.client.get(NODES, '', name, plane.signal);
      assert.ok(isConditionTrue((node as Node).status?.conditions, 'Ready'));
    },
    LONG_MS,
  );
}

test('two machines join by one token, go on without it, and renew what they are', async (t) => {
  const plane = await TestControlPlane.start(t);
  const url = `https://127.0.0.1:${plane.port}`;
  const token = await newToken(plane, '--description', 'rack 7');
  const folder = tempDir();
  const dataDir = (name: string): readonly string[] => ['--data-dir', join(folder, name)];
  const names = ['m1', 'm2'];
  const agents = names.map((name) =>
    agent(t, ['join', url, '--token', token, '--node-name', name, ...dataDir(name)]),
  );
  await Promise.all(names.map((name) => isReady(plane, name))).catch((error: unknown) => {
    throw new Error(agents.map((each) => each.said()).join('\n'), { cause: error });
  });
  const file = join(folder, 'm1', 'node.kubeconfig');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!readFileSync(file, 'utf8').includes(parseToken(token).secret));
  const listed = (await command(plane, 'token', 'list')).stdout;
  assert.match(listed, new RegExp(`${parseToken(token).id} +until 20.*rack 7`));
  assert.ok(!listed.includes(parseToken(token).secret));

  // Nobody joins with it any more; who did is not affected.
  await command(plane, 'token', 'delete', token);
  const [first] = agents;
  assert.ok(first !== undefined);
  const ended = once(first, 'exit');
  first.kill('SIGTERM');
  await ended;
  await plane.client.delete(NODES, '', 'm1', {}, plane.signal);
  agent(t, ['run', '--node-name', 'm1', ...dataDir('m1')]);
  await isReady(plane, 'm1');

  // When four fifths of its life have passed, and only then.
  const before = await loadConnection(file);
  let later = 0;
  const clock = shifted(() => later);
  const logger = silentLogger;
  const keeping = { file, nodeName: 'm1', lifetimeSeconds: 3600, clock, ids: systemIds, logger };
  const none = new AbortController();
  const early = nextCertificate(keeping, none.signal);
  none.abort(new Error('not due'));
  await assert.rejects(early, /not due/);
  assert.deepEqual((await loadConnection(file)).tls.cert, before.tls.cert);
  later = 80 * 24 * 3_600_000;
  await nextCertificate(keeping, plane.signal);
  const connection = await loadConnection(file);
  assert.notDeepEqual(connection.tls.cert, before.tls.cert);
  // Agents meet each other as servers too.
  const { keyUsage } = new X509Certificate(connection.tls.cert as Buffer);
  assert.deepEqual(keyUsage, ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1']);
  await using client = new HttpClient({
    connection,
    clock: systemClock,
    metrics: new MetricsRegistry(),
    userAgent: 'test',
    random: () => 0.5,
  });
  assert.equal((await client.get(NODES, '', 'm1', plane.signal)).metadata.name, 'm1');
});

test('machines join while the authority changes, and those of before keep up with it', async (t) => {
  const plane = await TestControlPlane.start(t);
  const { signal } = plane;
  const folder = tempDir();
  const fileOf = (nodeName: string): string => join(folder, `${nodeName}.kubeconfig`);
  const joins = (nodeName: string, text: string): Promise<void> => {
    const token = parseToken(text);
    const server = new URL(`https://127.0.0.1:${plane.port}`);
    const { authorityHash = '' } = token;
    const of = { server, token, authorityHash, nodeName, file: fileOf(nodeName) };
    return joinServer({ ...of, lifetimeSeconds: 3600, clock: systemClock, ids: systemIds }, signal);
  };
  const authoritiesOf = async (name: string): Promise<number> =>
    String((await loadConnection(fileOf(name))).tls.ca).split('BEGIN CERTIFICATE').length - 1;
  /** With nothing but what is in the file, as any client takes it. */
  const comesIn = async (name: string): Promise<void> => {
    const connection = await loadConnection(fileOf(name));
    await using client = new HttpClient({
      connection,
      clock: systemClock,
      metrics: new MetricsRegistry(),
      userAgent: 'test',
      random: () => 0.5,
    });
    await client.list(NODES, {}, signal);
  };
  const keepsUp = (nodeName: string): Promise<void> =>
    nextCertificate(
      {
        file: fileOf(nodeName),
        nodeName,
        lifetimeSeconds: 3600,
        clock: systemClock,
        ids: systemIds,
        logger: silentLogger,
      },
      signal,
    );

  const change = (what: string): Promise<unknown> =>
    plane.client.postBytes(`/windlass/v1/certificates/${what}`, new Uint8Array(), signal);
  /** As windlass token create. */
  const tokenOfNow = async (): Promise<string> => {
    const { ca } = (await loadConnection(plane.kubeconfig)).tls;
    const { id, secret } = newBootstrapToken(systemIds);
    const object = tokenSecret({ id, secret }, undefined, undefined);
    await plane.client.create(SECRETS, TOKEN_NAMESPACE, object, signal);
    return `${id}.${secret}.${authorityHash(String(ca))}`;
  };
  const former = await tokenOfNow();
  await joins('before', former);
  assert.equal(await authoritiesOf('before'), 1);
  await change('rotate-authority');
  const token = await tokenOfNow();
  assert.notEqual(parseToken(token).authorityHash, parseToken(former).authorityHash);
  // With a token of before, and with one of after the change.
  await joins('between', former);
  await joins('after', token);
  for (const name of ['before', 'between', 'after']) await comesIn(name);
  assert.deepEqual([await authoritiesOf('between'), await authoritiesOf('after')], [2, 2]);
  // A second change before the first is forgotten.
  await change('rotate-authority');
  await joins('later', token);
  assert.equal(await authoritiesOf('later'), 3);

  const certificate = (await loadConnection(fileOf('before'))).tls.cert;
  for (const name of ['before', 'between', 'after']) {
    await keepsUp(name);
    assert.equal(await authoritiesOf(name), 3, name);
    await comesIn(name);
  }
  assert.notDeepEqual((await loadConnection(fileOf('before'))).tls.cert, certificate);
  await change('forget-authorities');
  for (const name of ['before', 'between', 'after', 'later']) {
    await comesIn(name);
    await keepsUp(name);
    assert.equal(await authoritiesOf(name), 1, name);
    await comesIn(name);
  }
  await assert.rejects(joins('late', token), /is not the server that the token is for/);
});

test('a wrong token, server or clock each says what is wrong, and sends nothing secret', async (t) => {
  const plane = await TestControlPlane.start(t);
  const server = new URL(`https://127.0.0.1:${plane.port}`);
  const token = parseToken(await newToken(plane));
  const file = join(tempDir(), 'node.kubeconfig');
  const { authorityHash = '' } = token;
  const good = {
    server,
    token,
    authorityHash,
    nodeName: 'm1',
    file,
    lifetimeSeconds: 3600,
    clock: systemClock,
    ids: systemIds,
  };
  const { signal } = plane;
  const fails = (change: Partial<typeof good>, message: RegExp): Promise<void> =>
    assert.rejects(joinServer({ ...good, ...change }, signal), (error: Error) => {
      assert.match(error.message, message);
      assert.ok(!error.message.includes(token.secret));
      return true;
    });
  const off = (hours: number): Clock => shifted(() => hours * 3_600_000);
  await fails({ authorityHash: '0'.repeat(64) }, /is not the server that the token is for/);
  await fails({ clock: off(1) }, /clock of this machine is 60 minutes ahead of that of https:/);
  await fails({ clock: off(-2) }, /clock of this machine is 120 minutes behind that of https:/);
  await fails({ token: { ...token, secret: '0'.repeat(16) } }, /does not know the token .*expired/);
  await fails({ server: new URL('https://127.0.0.1:1') }, /does not answer: .*ECONNREFUSED/);

  const name = `bootstrap-token-${token.id}`;
  const patch = (stringData: object): Promise<unknown> =>
    plane.client.patch(SECRETS, 'kube-system', name, '', 'merge', { stringData }, signal);
  await patch({ 'auth-extra-groups': 'system:bootstrappers:others' });
  await fails({}, /does not let it ask for certificates/);
  await patch({ expiration: '2020-01-01T00:00:00Z' });
  await fails({}, /does not know the token .*expired/);
  assert.throws(() => statSync(file), /ENOENT/, 'nothing was written');
});

test('with a new certificate the agent begins anew, and its instances go on', async (t) => {
  const plane = await TestControlPlane.start(t);
  const { client, signal } = plane;
  const kubeconfig = await plane.nodeKubeconfig('m1');
  const former = (await loadConnection(kubeconfig)).tls.cert;
  let later = 0;
  let starts = 0;
  const logger: Logger = {
    ...silentLogger,
    info(message) {
      if (/certificate of this node was renewed/.test(message)) later = 0;
      if (message === 'Node agent started') starts += 1;
    },
  };
  const about = { nodeName: 'm1', windlassVersion: '0.0.0', clusterDomain: 'internal' };
  const begin = () =>
    runAgent(
      { ...about, kubeconfig, dataDir: tempDir(), runtime: 'process', logger, clock: systemClock },
      {
        file: kubeconfig,
        nodeName: 'm1',
        lifetimeSeconds: 3600,
        // Looked at by the one who waits for the time to come.
        clock: { ...shifted(() => later), schedule: (_, work) => systemClock.schedule(200, work) },
        ids: systemIds,
        logger,
      },
      () => new MetricsRegistry(),
      signal,
    );
  const running = await begin();
  t.after(() => running.close());
  const containers = [{ name: 'c', image: 'x', command: ['sleep', '100000'] }];
  const pod = { metadata: { name: 'p' }, spec: { nodeName: 'm1', containers } };
  await client.create(PODS, 'default', pod, signal);
  interface Pod {
    readonly status?: {
      readonly containerStatuses?: readonly {
        readonly containerID?: string;
        readonly restartCount: number;
        readonly state?: { readonly running?: object };
      }[];
    };
  }
  const container = async () => {
    const found = (await client.get(PODS, 'default', 'p', signal)) as Pod;
    const [status] = found.status?.containerStatuses ?? [];
    assert.ok(status?.state?.running !== undefined, JSON.stringify(found.status));
    return status;
  };
  const before = await eventually('it runs', container, LONG_MS);
  later = 350 * 24 * 3_600_000;
  await eventually(
    'there is another certificate',
    async () => assert.notDeepEqual((await loadConnection(kubeconfig)).tls.cert, former),
    LONG_MS,
  );
  await eventually('the agent begins anew', () => assert.equal(starts, 2), LONG_MS);
  await isReady(plane, 'm1');
  const after = await container();
  assert.deepEqual([after.containerID, after.restartCount], [before.containerID, 0]);
});
