import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#controllers/machinery/machinery-fixture.ts';
import { systemIds } from '#platform/id.ts';
import { checkConfiguration } from './check-configuration.ts';
import { HostCommandError } from './host-errors.ts';
import { goArchitecture, parseOsRelease } from './parse-facts.ts';
import { privateAddress } from './private-address.ts';
import { SimulatedHost } from './sim/simulated-host.ts';
import { SimulatedMachine } from './sim/simulated-machine.ts';
import { fingerprintOf, parsePinnedKeys } from './ssh/host-keys.ts';
import { shellWord } from './ssh/shell-words.ts';
import { parseFacts } from './ssh/ssh-facts.ts';

const { signal } = new AbortController();

test('a virtual address of a load balancer is never the private address [k0sctl-052]', () => {
  const addresses = ['10.0.0.100', '203.0.113.7'];
  assert.equal(privateAddress(addresses, ['10.0.0.100']), undefined, 'the only one moves');
  assert.equal(privateAddress(addresses, ['10.0.0.200']), '10.0.0.100', 'a normal one');
  assert.equal(privateAddress(addresses, 'unknown'), undefined, 'the look-up failed');
  assert.equal(
    privateAddress(addresses, []),
    '10.0.0.100',
    'no configuration, or the balancer is off',
  );
  assert.equal(privateAddress(['10.0.0.100', '10.0.0.5'], ['10.0.0.100']), '10.0.0.5');
  assert.equal(privateAddress(['203.0.113.7', 'fd00::1'], []), 'fd00::1');
});

test('a configuration is shown to the staged program, with its gates, before anything changes [k0sctl-054]', async () => {
  const machine = new SimulatedMachine({ name: 'one', clock: new FakeClock() });
  const host = new SimulatedHost(machine);
  const asked: { readonly argv: readonly string[]; readonly content: string }[] = [];
  machine.onCommand('/usr/local/bin/k0s.tmp.1', ({ argv }) => {
    const content = Buffer.from(machine.files.read(argv[4] ?? '') ?? '').toString();
    asked.push({ argv, content });
    return content.includes('bad') ? { exitCode: 1, stderr: 'unknown field "bad"\n' } : {};
  });
  const check = {
    program: '/usr/local/bin/k0s.tmp.1',
    before: ['config', 'validate', '--config'],
    after: ['--feature-gates=One=true'],
  };
  await checkConfiguration(host, { ...check, content: 'good: 1' }, systemIds, signal);
  const [call] = asked;
  assert.deepEqual(call?.argv.toSpliced(4, 1), [
    '/usr/local/bin/k0s.tmp.1',
    'config',
    'validate',
    '--config',
    '--feature-gates=One=true',
  ]);
  assert.equal(call?.content, 'good: 1');
  await assert.rejects(
    checkConfiguration(host, { ...check, content: 'bad: 1' }, systemIds, signal),
    (error: Error) =>
      error instanceof HostCommandError && /unknown field "bad"/.test(error.message),
  );
  assert.deepEqual(machine.files.list('/tmp'), [], 'no file is left');
});

test('facts are read from what a host prints, and a host that prints nonsense is refused', () => {
  const facts = parseFacts(
    'os=Linux\narch=aarch64\nkernel=6.1\nhostname=h\nmachine=abc\nclock=1700000000123\nseconds=1700000000\nuid=0\nsystemd=yes\nrelease=ID=debian\nrelease=VERSION_ID="12"\naddress=10.0.0.5\naddress=fd00::1\n',
    'ssh x',
  );
  assert.deepEqual(facts, {
    os: 'linux',
    arch: 'arm64',
    distribution: { id: 'debian', version: '12' },
    hostname: 'h',
    kernel: '6.1',
    machineId: 'abc',
    clockMillis: 1_700_000_000_123,
    isPrivileged: true,
    addresses: ['10.0.0.5', 'fd00::1'],
    hasSystemd: true,
  });
  assert.equal(
    parseFacts('os=Linux\narch=x\nclock=1700000000%3N\nseconds=1700000000', 'h').clockMillis,
    1_700_000_000_000,
  );
  for (const text of ['', 'os=Linux', 'os=Linux\narch=x\nseconds=soon', '\0\0\0'])
    assert.throws(() => parseFacts(text, 'ssh x'), HostCommandError);
  assert.equal(goArchitecture('x86_64'), 'amd64');
  assert.equal(goArchitecture('constructor'), 'constructor');
  assert.deepEqual(parseOsRelease('NAME=x\nID="ubuntu"\n'), { id: 'ubuntu', version: '' });
});

test('pinned keys are read in every form they come in', () => {
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from('ssh-ed25519'),
    Buffer.alloc(36, 7),
  ]);
  const key = `ssh-ed25519 ${blob.toString('base64')}`;
  const fingerprint = fingerprintOf(blob);
  for (const line of [
    key,
    `${key} root@host`,
    `[10.0.0.1]:2222 ${key}`,
    fingerprint,
    `256 ${fingerprint} root (ED25519)`,
  ])
    assert.deepEqual(
      parsePinnedKeys(`# a comment\n\n${line}\n`, 'x').fingerprints,
      [fingerprint],
      line,
    );
  assert.deepEqual(parsePinnedKeys(key, 'x').algorithms, ['ssh-ed25519']);
  assert.equal(parsePinnedKeys(fingerprint, 'x').algorithms, undefined);
  for (const text of ['', 'nonsense', `ssh-rsa ${blob.toString('base64')}`, 'ssh-ed25519'])
    assert.throws(() => parsePinnedKeys(text, 'ssh.hostKey'), HostCommandError, text);
});

test('words for a shell are what was meant', () => {
  assert.equal(shellWord('plain/path-1.2'), 'plain/path-1.2');
  assert.equal(shellWord("it's"), `'it'\\''s'`);
  assert.equal(shellWord(''), `''`);
  assert.equal(shellWord('$(id)'), `'$(id)'`);
});
