// Wrong use of the service commands: each is told what is wrong before any server is asked.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { helloManifest } from '#test/support/hello.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import type { Command, CommandIO } from '../command.ts';
import { CommandError, UsageError } from '../usage-error.ts';
import { clusterApply } from './cluster-apply.ts';
import { clusterPlan } from './cluster-plan.ts';
import { deploy } from './deploy.ts';
import { diff } from './diff.ts';
import { generateName } from './generate-name.ts';
import { logs } from './logs.ts';
import { machineApply } from './machine-apply.ts';
import { machinePlan } from './machine-plan.ts';
import { nodeCordon, nodeUncordon } from './node-cordon.ts';
import { nodeDrain } from './node-drain.ts';
import { nodeRemove } from './node-remove.ts';
import { pause, resume } from './pause.ts';
import { plan } from './plan.ts';
import { abort, promote } from './promote.ts';
import { restart } from './restart.ts';
import { run } from './run.ts';
import { scale } from './scale.ts';

const folder = tempDir();
const file = join(folder, 'hello.yaml');
const other = join(folder, 'other.yaml');
writeFileSync(file, helloManifest({ port: 8080 }));
writeFileSync(other, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n');

function ioOf(input = ''): CommandIO & { readonly said: string[] } {
  const said: string[] = [];
  return {
    said,
    environment: {},
    out: (text) => void said.push(text),
    err: (text) => void said.push(text),
    columns: undefined,
    errIsTerminal: false,
    ask: undefined,
    readInput: () => Promise.resolve(input),
    stopSignal: () => new AbortController().signal,
  };
}

const ALL = {
  deploy,
  diff,
  generateName,
  logs,
  pause,
  plan,
  restart,
  resume,
  run,
  scale,
  nodeCordon,
  nodeDrain,
  nodeRemove,
  nodeUncordon,
};

for (const [name, command] of Object.entries(ALL)) {
  test(`${name} --help prints its flags`, async () => {
    const io = ioOf();
    assert.equal(await command.main(['--help'], io), 0);
    assert.match(io.said.join(''), /^Usage: windlass [a-z -]+ .*\n\n[A-Z].*\n/);
  });
}

const nowhere = ['--data-dir', join(folder, 'nowhere')];

const WRONG: readonly (readonly [Command, readonly string[], RegExp])[] = [
  [plan, [], /--file is missing: name a manifest or a Compose file with -f FILE/],
  [plan, ['-f', '/nowhere'], /\/nowhere: cannot be read/],
  [plan, ['-f', file, '-o', 'yaml'], /--output must be one of text, json/],
  [plan, ['-f', file, ...nowhere], /there is no kubeconfig at/],
  [
    plan,
    ['-f', file, '-n', 'a'],
    /ConfigMap hello-program is of namespace default, and --namespace says a/,
  ],
  [plan, ['-f', other], /other\.yaml: there is no service in it/],
  [plan, ['-f', '-'], /-: there is no object in it/],
  [plan, ['-f', file, '--state', '/nowhere'], /\/nowhere: cannot be read/],
  [deploy, ['-f', file, '--timeout', 'soon'], /--timeout must be a duration/],
  [diff, [], /--file is missing/],
  [scale, ['x', 'many'], /N must be a whole number from 0, found "many"/],
  [scale, ['x', '2147483648'], /N must be a whole number from 0/],
  [scale, ['x'], /N is missing: windlass scale SERVICE N/],
  [scale, ['x', '1', ...nowhere], /there is no kubeconfig at/],
  [logs, ['x', '--tail', 'few'], /--tail must be a whole number or all, found "few"/],
  [logs, ['x', '--since', '5'], /--since must be a duration/],
  [run, ['UPPER'], /invalid image "UPPER"/],
  [run, ['a', '-p', 'app:80'], /port app:80: invalid hostname 'app'/],
  [run, ['a', '--caddyfile', 'x'], /--caddyfile is not supported: the ingress is no Caddy/],
  [run, ['a', '--timeout', 'soon'], /--timeout must be a duration/],
  [deploy, ['-f', file, '--prune'], /--prune needs --project NAME/],
  [promote, [], /SERVICE is missing: windlass promote SERVICE/],
  [abort, ['x', ...nowhere], /there is no kubeconfig at/],
  [run, ['a', '-p'], /-p needs a value/],
  [generateName, [], /IMAGE is missing: windlass generate-name IMAGE/],
  [pause, ['x', 'y'], /unexpected "y"/],
  [nodeDrain, [], /NODE is missing: windlass node drain NODE/],
  [nodeDrain, ['n', '--timeout', 'soon'], /--timeout must be a duration/],
  [nodeDrain, ['n', '--grace-period=-2'], /--grace-period must be a whole number from -1/],
  [nodeRemove, ['n', '--timeout', 'soon'], /--timeout must be a duration/],
  [nodeCordon, ['n', ...nowhere], /there is no kubeconfig at/],
];

for (const [command, args, message] of WRONG) {
  const shown = args.join(' ').replaceAll(folder, '');
  const name = Object.entries(ALL).find(([, one]) => one === command)?.[0];
  test(`${name} ${shown} is refused`, async () => {
    await assert.rejects(command.main(args, ioOf()), (error) => {
      assert.ok(error instanceof UsageError || error instanceof CommandError);
      assert.match(error.message, message);
      return true;
    });
  });
}

test('diff ends with 2 for trouble: 1 says that something differs', async () => {
  await assert.rejects(diff.main(['-f', '/nowhere'], ioOf()), { exitCode: 2 });
});

test('plan reads standard input, and needs no server with --state', async () => {
  const io = ioOf(helloManifest({ port: 8080 }));
  const state = join(folder, 'state.json');
  writeFileSync(state, '{"apiVersion":"v1","kind":"List","items":[]}');
  assert.equal(await plan.main(['-f', '-', '--state', state, '-ojson'], io), 0);
  const { service, operations } = JSON.parse(io.said.join('')) as {
    readonly service: string;
    readonly operations: readonly unknown[];
  };
  assert.deepEqual([service, operations.length], ['hello', 3]);
});

test('generate-name prints a name that a service may have', async () => {
  const io = ioOf();
  assert.equal(await generateName.main(['ghcr.io/acme/my_api:1.2'], io), 0);
  assert.match(io.said.join(''), /^my-api-[a-z0-9]{4}\n$/);
});

test('a file of machines or clusters that cannot be used is named, and is no defect of ours', async () => {
  const broken = join(folder, 'broken.yaml');
  writeFileSync(broken, 'a: [1\n');
  for (const command of [clusterApply, clusterPlan, machineApply, machinePlan])
    for (const [path, words] of [
      [join(folder, 'nothing.yaml'), /nothing\.yaml: cannot be read: ENOENT/],
      [broken, /broken\.yaml, document 1, line 2: does not parse: /],
    ] as const)
      await assert.rejects(command.main(['-f', path], ioOf()), (error: unknown) => {
        assert.ok(error instanceof CommandError, String(error));
        assert.match(error.message, words);
        return true;
      });
});
