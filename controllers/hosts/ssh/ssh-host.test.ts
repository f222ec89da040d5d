import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { missingForMachines, startMachines } from '#test/support/machines.ts';
import type { Machines } from '#test/support/machines.ts';
import { needs } from '#test/support/missing-part.ts';
import { missingForSsh, newKey, startSshHost } from '#test/support/ssh-hosts.ts';
import type { TestSshHost } from '#test/support/ssh-hosts.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { hostConformance } from '../conformance.ts';
import type { SshConnection } from '../host-connection.ts';
import type { HostDriver } from '../host-driver.ts';
import { HostCommandError, HostUnreachableError } from '../host-errors.ts';
import { until } from '../host-harness.ts';
import type { HostHarness } from '../host-harness.ts';
import { openHost } from '../open-host.ts';
import { fakeSystemctl } from './fake-systemctl-fixture.ts';

const { signal } = new AbortController();
const PASSWORD = "it's a pass $word";
const missing = missingForSsh();
const own = needs(missing ?? missingForMachines());
const hosts: TestSshHost[] = [];
let machines: Machines | undefined;

/** Three machines: for root, one with sudo without a password, one with sudo that asks for it. */
const PREPARE = [
  fakeSystemctl,
  `${fakeSystemctl}\n${userWithSudo('deploy ALL=(ALL) NOPASSWD: ALL')}`,
  `${fakeSystemctl}\n${userWithSudo('deploy ALL=(ALL) ALL')}`,
];

function userWithSudo(rule: string): string {
  // Every command of this user has its password checked, which is slow on purpose where nobody says otherwise.
  return [
    'useradd -m -s /bin/bash deploy',
    `printf '%s\\n' ${JSON.stringify(`deploy:${PASSWORD}`).replace('$', '\\$')} | chpasswd -c SHA512 -s 1000`,
    `echo '${rule}' >/etc/sudoers.d/deploy; chmod 0440 /etc/sudoers.d/deploy`,
  ].join('\n');
}

const hooks: (() => unknown)[] = [];

before(async () => {
  if (missing !== undefined) return;
  if (missingForMachines() !== undefined) {
    hosts.push(await startSshHost());
    return;
  }
  machines = startMachines(
    { after: (hook: () => unknown) => void hooks.push(hook) },
    PREPARE.length,
  );
  for (const [index, prepare] of PREPARE.entries()) {
    const machine = machines.all[index];
    if (machine === undefined) continue;
    hosts.push(await startSshHost({ machine, hostname: `host-${index}`, prepare }));
  }
});

after(async () => {
  for (const host of hosts) await host.stop();
  for (const hook of hooks.toReversed()) await hook();
});

interface Login {
  readonly user?: string;
  readonly sudo?: boolean;
  readonly password?: string;
  readonly change?: Partial<SshConnection>;
  readonly key?: string;
}

async function connect(host: TestSshHost, login: Login = {}): Promise<HostDriver> {
  const { user = host.user, sudo = false, password, key = host.privateKey } = login;
  const secrets: Readonly<Record<string, string | undefined>> = {
    'login/ssh-privatekey': key,
    'sudo/password': password,
  };
  return openHost(
    {
      type: 'SSH',
      ssh: {
        address: host.address,
        port: host.port,
        user,
        hostKey: host.hostKey,
        keySecretRef: { name: 'login' },
        sudo,
        ...(password === undefined ? {} : { sudoPasswordSecretRef: { name: 'sudo' } }),
        ...login.change,
      },
    },
    {
      name: 'machine',
      secret: async (name, entry) => secrets[`${name}/${entry}`],
      clock: systemClock,
      ids: systemIds,
    },
    signal,
  );
}

function host(index: number): TestSshHost {
  const found = hosts[index];
  assert.ok(found, `host ${index} runs`);
  return found;
}

/** Which of the machine's processes have this text in their arguments. */
function processesWith(text: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').join(' ').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

let hangs = 0;

function harness(
  index: number,
  login: Login,
): (context: { after: (hook: () => Promise<void>) => void }) => Promise<HostHarness> {
  return async (context) => {
    const driver = await connect(host(index), login);
    const base = mkdtempSync(join(tempDir(), 'ssh-'));
    context.after(async () => driver[Symbol.asyncDispose]());
    const nap = `600.${process.pid}${++hangs}`;
    return {
      host: driver,
      base,
      commands: {
        printArguments: ['printf', '%s\\n'],
        exitWith3: ['sh', '-c', 'exit 3'],
        copyInput: ['cat'],
        printEnvironment: ['env'],
        flood: ['head', '-c', '2097152', '/dev/zero'],
        // More than one process: all of them must end.
        hang: ['sh', '-c', `trap "" TERM HUP; sleep ${nap}; sleep ${nap}`],
      },
      isHanging: async () => processesWith(`sleep ${nap}`).length > 0,
      link: async (path, target) => void execFileSync('ln', ['-s', target, path]),
      ...(machines === undefined
        ? {}
        : {
            units: {
              running: '[Service]\nExecStart=/bin/sleep 600\n',
              failing: '[Service]\nType=oneshot\nExecStart=/bin/false\n',
            },
          }),
    };
  };
}

const withSkip =
  ({ skip }: { readonly skip: string | false }): Parameters<typeof hostConformance>[0]['test'] =>
  (name, run) =>
    test(name, { skip }, run);

hostConformance({ test: withSkip(needs(missing)), name: 'ssh', open: harness(0, {}) });
hostConformance({
  test: withSkip(own),
  name: 'ssh, sudo with a password',
  open: harness(2, { user: 'deploy', sudo: true, password: PASSWORD }),
});

test('another host key is refused for good, with both fingerprints', needs(missing), async () => {
  const target = host(0);
  const other = newKey(join(tempDir(), 'other'));
  await using driver = await connect(target, { change: { hostKey: other } });
  await assert.rejects(driver.facts(signal), (error: Error) => {
    assert.ok(error instanceof HostCommandError, String(error));
    assert.ok(error.message.includes(target.fingerprint), error.message);
    assert.match(error.message, /pinned is SHA256:/);
    return true;
  });
  await using right = await connect(target, { change: { hostKey: target.fingerprint } });
  assert.equal((await right.facts(signal)).os, 'linux');
  const ecdsa = newKey(join(tempDir(), 'ecdsa'), 'ecdsa');
  await using kind = await connect(target, { change: { hostKey: ecdsa } });
  await assert.rejects(kind.facts(signal), HostCommandError);
});

test(
  'a host without a pinned key is not trusted, and the error says how to get one',
  needs(missing),
  async () => {
    await assert.rejects(
      connect(host(0), { change: { hostKey: '' } }),
      /no host key is pinned.*ssh-keyscan/s,
    );
    await assert.rejects(
      connect(host(0), { change: { hostKey: 'nonsense' } }),
      /ssh\.hostKey: "nonsense"/,
    );
  },
);

test(
  'a refused login is final and names no key material; a host that is away can be tried again',
  needs(missing),
  async () => {
    const target = host(0);
    const path = join(tempDir(), 'stranger');
    newKey(path);
    const key = readFileSync(path, 'utf8');
    await using refused = await connect(target, { key });
    await assert.rejects(refused.facts(signal), (error: Error) => {
      assert.ok(error instanceof HostCommandError, String(error));
      assert.match(error.message, /refuses the key/);
      assert.ok(!error.message.includes(key.slice(60, 100)));
      return true;
    });
    await assert.rejects(connect(target, { key: 'not a key' }), HostCommandError);
    await using away = await connect(target, { change: { port: 1 } });
    await assert.rejects(away.facts(signal), HostUnreachableError);
  },
);

test(
  'a connection that breaks ends what runs on it, and the next call makes a new one',
  needs(missing),
  async () => {
    const target = host(0);
    await using driver = await connect(target);
    const nap = `601.${process.pid}`;
    const running = driver.exec(['sleep', nap], { signal });
    const lost = assert.rejects(running, HostUnreachableError);
    await until(async () => processesWith(`sleep ${nap}`).length > 0);
    target.dropConnections();
    await lost;
    // The connection's own end may be noticed a moment after the command's.
    await until(async () => {
      try {
        return (await driver.exec(['echo', 'again'], { signal })).stdout === 'again\n';
      } catch (error) {
        assert.ok(error instanceof HostUnreachableError, String(error));
        return false;
      }
    });
    for (const pid of processesWith(`sleep ${nap}`)) process.kill(pid, 'SIGKILL');
    await target.stop();
    await assert.rejects(driver.facts(signal), HostUnreachableError);
    await target.start();
    await until(async () =>
      driver.facts(signal).then(
        () => true,
        () => false,
      ),
    );
  },
);

test(
  'many commands at once share the few sessions that a host allows',
  needs(missing),
  async () => {
    await using driver = await connect(host(0));
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => driver.exec(['echo', `${index}`], { signal })),
    );
    assert.deepEqual(
      answers.map(({ stdout }) => stdout.trim()),
      Array.from({ length: 40 }, (_, index) => `${index}`),
    );
  },
);

test('each host is its own', own, async () => {
  const names = await Promise.all(
    hosts.map(async (target) => {
      await using driver = await connect(target);
      const facts = await driver.facts(signal);
      assert.equal(facts.isPrivileged, true);
      assert.ok(facts.addresses.includes(target.address), facts.addresses.join());
      assert.ok(Math.abs(facts.clockMillis - Date.now()) < 60_000);
      await driver.putFile('/srv/name', facts.hostname, { signal });
      const content = await driver.readFile('/srv/name', signal);
      return [facts.hostname, Buffer.from(content ?? '').toString(), facts.machineId];
    }),
  );
  assert.deepEqual(
    names.map(([name, content]) => [name, content]),
    [0, 1, 2].map((n) => [`host-${n}`, `host-${n}`]),
  );
  assert.equal(new Set(names.map(([, , id]) => id)).size, 3);
});

test(
  'sudo: files belong to root, a wrong password is refused, and no password is left anywhere',
  own,
  async () => {
    const target = host(2);
    await using driver = await connect(target, { user: 'deploy', sudo: true, password: PASSWORD });
    await driver.putFile('/etc/only-root', 'secret', { signal, mode: 0o600 });
    assert.deepEqual(
      (await driver.exec(['stat', '-c', '%U %a', '/etc/only-root'], { signal })).stdout,
      'root 600\n',
    );
    // Nothing but what the command was given reaches it, whether sudo asked or not.
    assert.equal((await driver.exec(['cat'], { signal, stdin: 'input' })).stdout, 'input');
    await using open = await connect(host(1), { user: 'deploy', sudo: true });
    assert.equal((await open.facts(signal)).isPrivileged, true);
    await open.putFile('/etc/only-root', 'secret', { signal, mode: 0o600 });
    assert.equal(
      Buffer.from((await open.readFile('/etc/only-root', signal)) ?? '').toString(),
      'secret',
    );
    await using free = await connect(host(1), { user: 'deploy', sudo: true, password: PASSWORD });
    assert.equal((await free.exec(['cat'], { signal, stdin: 'input' })).stdout, 'input');
    await using wrong = await connect(target, { user: 'deploy', sudo: true, password: 'guess' });
    await assert.rejects(wrong.exec(['true'], { signal }), (error: Error) => {
      assert.ok(error instanceof HostCommandError, String(error));
      assert.ok(!error.message.includes('guess'), error.message);
      return true;
    });
    await using none = await connect(target, { user: 'deploy', sudo: true });
    await assert.rejects(none.exec(['true'], { signal }), /sudo refuses/);
    await using unprivileged = await connect(target, { user: 'deploy' });
    assert.equal((await unprivileged.facts(signal)).isPrivileged, false);
    await assert.rejects(unprivileged.readFile('/etc/only-root', signal), HostCommandError);
    await assert.rejects(unprivileged.putFile('/etc/other', 'x', { signal }), HostCommandError);
    const left = await driver.list('/tmp', signal);
    assert.deepEqual(
      left?.filter((name) => name.startsWith('windlass-upload-')),
      [],
    );
  },
);
