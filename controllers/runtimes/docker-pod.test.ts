// What the containers of a Pod share in Docker, and what is left of them in all kinds of ends. As with every runtime (conformance.ts).
import assert from 'node:assert/strict';
import { eventually } from '#test/support/eventually.ts';
import { ended } from './conformance.ts';
import { TEST_IMAGE } from './docker-engine.test-support.ts';
import { dockerTests, openDocker } from './docker-runtime-fixture.ts';
import { StartError } from './runtime.ts';

const dockerTest = await dockerTests();
const { signal } = new AbortController();

dockerTest(
  'gives the containers of a Pod one network',
  async ({ runtime, run, sandbox, identity, output }) => {
    const ports = [{ containerPort: 8000, protocol: 'TCP' as const }];
    const shared = await sandbox({ ports, hostname: 'web-1' });
    const server = await run('while :; do echo hello | nc -l -p 8000; done', { sandbox: shared });
    const script = 'until nc 127.0.0.1 8000; do sleep 0.1; done; hostname';
    const client = await run(script, { sandbox: shared, identity: identity('client') });
    assert.equal(await output(client), 'hello\nweb-1\n');
    assert.deepEqual(server.podIPs, shared.ips);
    assert.match(shared.ips[0] ?? '', /^172\.30\./);
    const endpoint = server.endpoints.get(8000);
    await runtime.stop(server.id, 0);
    const again = await run('sleep 60', {
      sandbox: await sandbox(),
      identity: identity('main', 1),
    });
    assert.deepEqual(
      again.endpoints.get(8000),
      endpoint,
      'ports stay while containers come and go',
    );
    assert.deepEqual(again.podIPs, shared.ips);
  },
);

dockerTest(
  'shares processes and memory where asked for',
  async ({ run, sandbox, identity, output }) => {
    const shared = await sandbox({ shareProcessNamespace: true, sharedMemoryBytes: 1 << 20 });
    const first = await run('echo first > /dev/shm/x; sleep 61', { sandbox: shared });
    const script = 'until cat /dev/shm/x; do sleep 0.1; done; ps';
    const second = await run(script, { sandbox: shared, identity: identity('second') });
    const text = await output(second);
    assert.match(text, /first/);
    assert.match(text, /\/pause/);
    assert.match(text, /sleep 61/);
    assert.equal(first.state.state, 'running');
  },
);

dockerTest('uses the network of the machine', async ({ runtime, podUID, run, sandbox, docker }) => {
  const shared = await sandbox({ hostNetwork: true, hostPID: true });
  assert.deepEqual([shared.id, shared.ips], [undefined, []]);
  const status = await run('hostname; test -e /proc/$PPID && sleep 60', { sandbox: shared });
  assert.deepEqual(status.podIPs, []);
  assert.deepEqual([...status.endpoints], []);
  const info = await docker(
    'inspect',
    '-f',
    '{{.HostConfig.NetworkMode}} {{.HostConfig.PidMode}}',
    status.id.slice(9),
  );
  assert.equal(info, 'host host');
  assert.deepEqual(await runtime.pods(), [podUID]);
});

dockerTest('says which hostPort is taken', async ({ sandbox, docker }) => {
  const taken = await docker('run', '-d', '-p', '127.0.0.1::80', TEST_IMAGE, 'sleep', '60');
  const port = Number((await docker('port', taken, '80')).split(':')[1]);
  const ports = [
    { containerPort: 80, hostPort: port, hostIP: '127.0.0.1', protocol: 'TCP' as const },
  ];
  await assert.rejects(sandbox({ ports }), (error) => {
    assert.ok(error instanceof StartError);
    assert.equal(error.reason, 'CreatePodSandboxError');
    assert.match(error.message, new RegExp(`${port}`));
    return true;
  });
  await docker('rm', '-f', taken);
  assert.deepEqual((await sandbox({ ports })).ips.length, 1);
});

dockerTest(
  'stops containers whose network is gone, and makes another',
  async ({ runtime, podUID, run, sandbox, identity, docker }) => {
    const shared = await sandbox();
    const script = 'trap "exit 0" TERM; while :; do sleep 0.1; done';
    const { id } = await run(script, { sandbox: shared });
    await docker('kill', shared.id ?? '');
    await ended(runtime, id);
    const next = await sandbox();
    assert.notEqual(next.id, shared.id);
    const again = await run('sleep 60', { sandbox: next, identity: identity('main', 1) });
    assert.deepEqual(again.podIPs, next.ips);
    assert.deepEqual(await runtime.pods(), [podUID]);
  },
);

dockerTest(
  'takes over what a killed agent left in any state, and nothing else',
  async ({ runtime, host, owner, podUID, run, docker }) => {
    const foreign = await docker('create', '--name', `foreign-${podUID}`, TEST_IMAGE, 'true');
    const labels = (container: string): string[] => {
      const pod = ['pod-namespace=default', 'pod-name=web', `pod-uid=${podUID}`, 'attempt=0'];
      const all = [...pod, `owner=${owner}`, `container=${container}`];
      return all.flatMap((label) => ['--label', `windlass.dev/${label}`]);
    };
    const name = (container: string): string => `windlass_${container}_web_default_${podUID}_0`;
    // Created, and the agent was killed before the start.
    await docker('create', '--name', name('main'), ...labels('main'), TEST_IMAGE, 'true');
    const unstarted = await docker(
      'create',
      '--name',
      name('other'),
      ...labels('other'),
      TEST_IMAGE,
      'true',
    );
    const { id } = await run('sleep 60');
    const again = await openDocker(host, owner);
    assert.deepEqual(
      (await again.list()).map((one) => [one.id, one.state.state]),
      [[id, 'running']],
    );
    await again[Symbol.asyncDispose]();
    const left = await docker('ps', '-aq', '--no-trunc');
    assert.ok(!left.includes(unstarted));
    assert.ok(left.includes(foreign));
    const stranger = await openDocker(host, 'somebody-else');
    await stranger.stop(id, 0);
    await stranger.remove(id);
    assert.deepEqual(await stranger.list(), []);
    await stranger[Symbol.asyncDispose]();
    assert.equal((await runtime.list())[0]?.state.state, 'running');
    await docker('rm', foreign);
  },
);

dockerTest(
  'names the foreign container that has the name it needs',
  async ({ podUID, run, docker }) => {
    const name = `windlass_main_web_default_${podUID}_0`;
    await docker('create', '--name', name, TEST_IMAGE, 'true');
    await assert.rejects(run('true'), (error) => {
      assert.ok(error instanceof StartError);
      assert.equal(error.reason, 'CreateContainerError');
      assert.ok(error.message.includes(name));
      return true;
    });
    await docker('rm', name);
  },
);

dockerTest('keeps the input of a container open for those who attach', async ({ runtime, run }) => {
  const echo = 'while read line; do echo "got $line"; done; echo over; sleep 60';
  const { id } = await run(echo, { stdin: { once: true } });
  const streams = { stdin: true, stdout: true, stderr: true, tty: false };
  const attached = await runtime.sessions.attach(id, streams);
  let text = '';
  attached.stdout?.on('data', (bytes: Buffer) => (text += bytes.toString('utf8')));
  attached.stdin?.write('hello\n');
  await eventually('it answers', () => assert.equal(text, 'got hello\n'));
  attached.stdin?.end();
  await eventually('it has seen the end of its input', async () => {
    const log = await runtime.logs(id, { follow: false, timestamps: false }, signal);
    assert.equal(await textOf(log as AsyncIterable<Buffer>), 'got hello\nover\n');
  });
  attached.kill();
});

dockerTest('gives a container a terminal of its own', async ({ runtime, run, output }) => {
  const wait = 'until [ "$(stty size 2>/dev/null)" = "31 97" ]; do sleep 0.1; done; ';
  const status = await run(`tty; ${wait} stty size; read line; echo "got $line"`, {
    stdin: { once: false },
    tty: true,
  });
  const streams = { stdin: true, stdout: true, stderr: false, tty: true };
  const attached = await runtime.sessions.attach(status.id, streams);
  let text = '';
  attached.stdout?.on('data', (bytes: Buffer) => (text += bytes.toString('utf8')));
  attached.resize({ width: 97, height: 31 });
  // Typed before, it could be echoed before the first line.
  await eventually('it reads', () => assert.match(text, /31 97/));
  attached.stdin?.write('hello\r');
  assert.match(await output(status), /^\/dev\/pts\/0\r\n[^]*31 97\r\n[^]*got hello\r\n$/);
});

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}
