// What a Pod may ask for of a container in Docker: security, the engine's own options, resources, health. Beside conformance.ts'
import assert from 'node:assert/strict';
import { eventually } from '#test/support/eventually.ts';
import { ended, PLAIN } from './conformance.ts';
import { TEST_IMAGE } from './docker-engine.test-support.ts';
import { dockerTests } from './docker-runtime-fixture.ts';
import { StartError } from './runtime.ts';
import type { ContainerSecurity } from './runtime.ts';

const dockerTest = await dockerTests();

const security = (more: Partial<ContainerSecurity>): { security: ContainerSecurity } => ({
  security: { ...PLAIN.security, ...more },
});

function refusedWith(reason: string, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof StartError, String(error));
    assert.equal(error.reason, reason);
    assert.match(error.message, message);
    return true;
  };
}

dockerTest('runs as the user and the groups that are asked for', async (context) => {
  const { run, output, identity } = context;
  const ids = 'id -u; id -g; id -G';
  const first = await run(ids, security({ user: 1000, group: 2000, supplementalGroups: [3000] }));
  assert.equal(await output(first), '1000\n2000\n2000 3000\n');
  const second = await run(ids, {
    ...security({ group: 2000 }),
    identity: identity('group'),
  });
  assert.equal(await output(second), '0\n2000\n2000\n');
  const named = await run('id -u', { engine: { user: '77' }, identity: identity('named') });
  assert.equal(await output(named), '77\n');
});

dockerTest('refuses to run as root what must not', async ({ run, output, identity }) => {
  await assert.rejects(
    run('true', security({ nonRoot: true })),
    refusedWith('CreateContainerConfigError', /runAsNonRoot and image will run as root/),
  );
  await assert.rejects(
    run('true', security({ nonRoot: true, user: 0 })),
    refusedWith('CreateContainerConfigError', /breaks non-root policy/),
  );
  const other = await run('id -u', {
    ...security({ nonRoot: true, user: 1 }),
    identity: identity('other'),
  });
  assert.equal(await output(other), '1\n');
});

dockerTest('gives a root that is read-only, and capabilities', async (context) => {
  const { run, output, identity } = context;
  const readOnly = await run('touch /x 2>&1 || true', security({ readOnlyRoot: true }));
  assert.match(await output(readOnly), /Read-only file system/);
  const caps =
    'while read a b; do case $a in CapBnd:|NoNewPrivs:) echo $b;; esac; done < /proc/self/status';
  const none = security({ dropCapabilities: ['ALL'], noNewPrivileges: true });
  const dropped = await run(caps, { ...none, identity: identity('dropped') });
  assert.equal(await output(dropped), '0000000000000000\n1\n');
  const one = security({ dropCapabilities: ['ALL'], addCapabilities: ['NET_RAW'] });
  const added = await run(caps, { ...one, identity: identity('added') });
  assert.equal(await output(added), '0000000000002000\n0\n');
});

dockerTest('gives init, ulimits, devices, shared memory and sysctls', async (context) => {
  const { run, output, sandbox } = context;
  const pod = await sandbox({
    sharedMemoryBytes: 1 << 20,
    sysctls: { 'net.ipv4.ip_unprivileged_port_start': '80' },
  });
  const engine = {
    init: true,
    ulimits: [{ name: 'nofile', soft: 123, hard: 456 }],
    devices: [{ hostPath: '/dev/null', containerPath: '/dev/nothing', permissions: 'rw' }],
  };
  const script = [
    'ulimit -n; ulimit -Hn; test -c /dev/nothing && echo device',
    'cat /proc/1/comm; cat /proc/sys/net/ipv4/ip_unprivileged_port_start',
    'while read dev at rest; do case $at in /dev/shm) echo $rest;; esac; done < /proc/mounts',
  ].join('; ');
  const text = await output(await run(script, { sandbox: pod, engine }));
  assert.match(text, /^123\n456\ndevice\n(docker-init|tini)\n80\n/);
  assert.match(text, /size=1024k/);
});

dockerTest('says why there are no logs of a log driver that keeps none', async (context) => {
  const { runtime, run, output, identity } = context;
  const local = { logDriver: { name: 'local', options: { 'max-size': '1m' } } };
  assert.equal(await output(await run('echo kept', { engine: local })), 'kept\n');
  const none = { logDriver: { name: 'none', options: {} } };
  const { id } = await run('echo lost', { engine: none, identity: identity('none') });
  await ended(runtime, id);
  await assert.rejects(
    runtime.logs(id, { follow: false, timestamps: false }, new AbortController().signal),
    /the log driver none of this container keeps no logs on this machine/,
  );
  const wrong = { logDriver: { name: 'no-such-driver', options: {} } };
  await assert.rejects(
    run('true', { engine: wrong, identity: identity('wrong') }),
    refusedWith('CreateContainerConfigError', /no-such-driver.*json-file/),
  );
});

dockerTest('changes the resources of a container that goes on running', async (context) => {
  const { runtime, run, docker } = context;
  const resources = {
    cpuLimitMillis: 500,
    cpuRequestMillis: 100,
    memoryLimitBytes: 64 << 20,
    memoryRequestBytes: 32 << 20,
  };
  const status = await run('sleep 60', { resources });
  assert.deepEqual(status.resources, resources);
  const more = {
    cpuLimitMillis: 1500,
    cpuRequestMillis: 250,
    memoryLimitBytes: 256 << 20,
    memoryRequestBytes: 128 << 20,
  };
  await runtime.update(status.id, more);
  const [after] = await runtime.list();
  assert.deepEqual(after?.resources, more);
  assert.deepEqual(after.state, status.state, 'it was not restarted');
  const format = '{{.HostConfig.CpuQuota}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}';
  const shown = await docker('inspect', '-f', format, status.id.slice('docker://'.length));
  assert.equal(shown, `150000 ${256 << 20} ${256 << 20}`);
  await assert.rejects(
    runtime.update(status.id, { memoryLimitBytes: 1 }),
    /[Mm]inimum memory limit/,
  );
});

dockerTest(
  'counts the health check of an image, and none where the agent asks itself',
  async (context) => {
    const { runtime, run, identity, docker } = context;
    const container = await docker('create', TEST_IMAGE, 'true');
    const check = 'HEALTHCHECK --interval=1s --start-period=1s --retries=1 CMD cat /tmp/healthy';
    await docker('commit', '--change', check, container, 'checked:local');
    await docker('rm', container);
    const script = 'echo up; while :; do sleep 0.1; done';
    const { id } = await run(script, { image: 'checked:local', imageHealthCheck: true });
    const health = async (): Promise<string | undefined> =>
      (await runtime.list()).find((one) => one.id === id)?.health?.status;
    await eventually('it is unhealthy', async () => assert.equal(await health(), 'unhealthy'));
    const found = (await runtime.list()).find((one) => one.id === id);
    assert.match(found?.health?.message ?? '', /No such file/);
    await docker('exec', id.slice('docker://'.length), 'touch', '/tmp/healthy');
    await eventually('it is healthy', async () => assert.equal(await health(), 'healthy'));
    const other = await run(script, { image: 'checked:local', identity: identity('probed') });
    assert.equal(other.health, undefined);
  },
);
