import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  installCommand,
  installFlags,
  serviceName,
  tokenCommand,
  validateCommand,
} from './commands.ts';
import { changedFlags, parseFlags, splitWords } from './flags.ts';
import { tokenId } from './join-token.ts';
import { parseStatus } from './k0s-status.ts';

test('unbalanced quotes in flags are refused, balanced ones are fine [k0sctl-038]', () => {
  for (const flag of ['--foo="', "--bar='", '--foo="a" --bar="b'])
    assert.throws(() => parseFlags([flag]), /distributionOptions\.flags: unbalanced quotes/);
  assert.deepEqual(
    [...parseFlags([`--foo="a b"`, `--bar='c'`])],
    [
      ['--foo', ['a b']],
      ['--bar', ['c']],
    ],
  );
  assert.deepEqual(splitWords(String.raw`a\ b "c \"d\"" '\e'`), ['a b', 'c "d"', String.raw`\e`]);
});

test('flags that Windlass gives itself are refused before anything is stopped', () => {
  const given = (flags: readonly string[], hasConfiguration = false) =>
    installFlags({ role: 'controller', flags, hasConfiguration, hasToken: false });
  assert.throws(() => given(['--token-file /x']), /flags: --token-file: leave it out: join tokens/);
  for (const flag of ['--config=/x', '-c /x'])
    assert.throws(() => given([flag], true), /leave it out: the file is what .*configuration/);
  // A file of their own, where nothing says what is in ours.
  assert.deepEqual(given(['--config=/x']), ['--config=/x']);
});

test('services are named by role [k0sctl-043]', () => {
  assert.deepEqual((['worker', 'controller', 'controller+worker'] as const).map(serviceName), [
    'k0sworker',
    'k0scontroller',
    'k0scontroller',
  ]);
});

test('flags differ by what they mean, not by how they are written [k0sctl-049]', () => {
  const running = parseFlags(['--debug', '--labels="a=b"', '--kubelet-extra-args=--v=5']);
  const changed = (flags: readonly string[]) => changedFlags(parseFlags(flags), running);
  assert.deepEqual(changed(['--debug', '--labels="a=b"', '--kubelet-extra-args=--v=5']), []);
  assert.deepEqual(changed([`--labels='a=b' --debug=true`, `"--kubelet-extra-args=--v=5"`]), []);
  assert.deepEqual(changed(['--labels a=b', '--kubelet-extra-args=--v=5', '--debug']), []);
  assert.deepEqual(changed(['--debug', '--labels=a=c', '--kubelet-extra-args=--v=5']), [
    '--labels',
  ]);
  assert.deepEqual(changed(['--labels=a=b', '--kubelet-extra-args=--v=5']), ['--debug']);
});

test('the configuration is validated by the staged program, with its feature gates [k0sctl-054]', () => {
  assert.deepEqual(
    validateCommand('/usr/local/bin/k0s.staged', '/etc/k0s/k0s.yaml.new', [
      '--debug --feature-gates="A=true,B=false"',
    ]),
    [
      '/usr/local/bin/k0s.staged',
      'config',
      'validate',
      '--config=/etc/k0s/k0s.yaml.new',
      '--feature-gates=A=true,B=false',
    ],
  );
});

test('what is installed follows from the role', () => {
  const options = { flags: ['--debug'], hasConfiguration: true, hasToken: false } as const;
  assert.deepEqual(installFlags({ ...options, role: 'controller+worker' }), [
    '--enable-worker=true',
    '--config=/etc/k0s/k0s.yaml',
    '--debug=true',
  ]);
  assert.deepEqual(installCommand({ ...options, role: 'worker', hasToken: true }).slice(1), [
    'install',
    'worker',
    '--force',
    '--debug=true',
    '--token-file=/etc/k0s/windlass.token',
  ]);
  assert.deepEqual(tokenCommand('controller').slice(1), [
    'token',
    'create',
    '--role=controller',
    '--expiry=30m0s',
  ]);
});

test('of a token only the id is known', () => {
  const token = gzipSync('users:\n- user:\n    token: abc123.0123456789abcdef\n').toString(
    'base64',
  );
  assert.equal(tokenId(token), 'abc123');
  assert.equal(tokenId('not a token'), undefined);
  assert.equal(tokenId(gzipSync('nothing').toString('base64')), undefined);
});

test('what k0s says of itself is read with care', () => {
  assert.equal(parseStatus('null'), undefined);
  assert.equal(parseStatus('<html>'), undefined);
  assert.deepEqual(
    parseStatus(
      '{"Version":"v1","Role":"controller","Workloads":true,"Args":["/k0s","controller","--debug",7]}',
    ),
    { version: 'v1', role: 'controller+worker', args: ['--debug'] },
  );
});
