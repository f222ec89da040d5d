// Whatever is wrong gets a message that names the thing and the next step, at once; what ran before goes on.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { runCommand } from '../support/command.ts';
import type { CommandResult } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { helloManifest } from '../support/hello.ts';
import { httpGet } from '../support/http-poller.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { tempDir } from '../support/temp-dir.ts';
import { launcher, projectRoot, startWindlass } from '../support/windlass.ts';

/** `windlass …` to its end, which must come by itself. */
function windlass(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
  return runCommand('node', [launcher, ...args], {
    cwd: projectRoot,
    env: { ...process.env, ...env },
    timeoutMs: 120_000,
  });
}

suite('the command line', () => {
  const WRONG: readonly (readonly [args: readonly string[], code: number, message: RegExp])[] = [
    [[], 2, /^Usage: windlass COMMAND/],
    [['upp'], 2, /unknown command "upp"; did you mean up\?/],
    [['frobnicate'], 2, /unknown command "frobnicate"; commands are up, controllers, /],
    [['node'], 2, /did you mean node run\?/],
    [['up', '--prot', '1'], 2, /unknown flag --prot; did you mean --port\?/],
    [['up', 'now'], 2, /unexpected "now"/],
    [['up', '--port', 'http'], 2, /--port must be a whole number from 0 to 65535, found "http"/],
    [['up', '--ingress-bind', 'localhost'], 2, /--ingress-bind must be an IP address/],
    [['up', '--runtime', 'podman'], 2, /--runtime must be one of process, docker, auto/],
    [['up', '--cluster-domain', 'a b'], 2, /--cluster-domain must be a DNS name/],
    [
      ['up', '--persistence', 'mysql:x'],
      2,
      /--persistence must be sqlite:PATH, nfs:PATH, s3:.*, found "mysql:…"/,
    ],
    [
      [
        'up',
        '--persistence',
        'module:./x.ts',
        '--port',
        '0',
        '--data-dir',
        join(tempDir(), 'data'),
      ],
      1,
      /--persistence module:\.\/x\.ts: .*x\.ts: there is no such file/,
    ],
    [['up', '--ack', 'most'], 2, /--ack must be one of primary, quorum, all/],
    [['up', '--on-sync-loss', 'wait'], 2, /--on-sync-loss must be one of block, degrade/],
    [['up', '--relaxed', 'leases,pods'], 2, /--relaxed must be leases, events or leases,events/],
    [['up', '--seed', 'hunter2'], 2, /^windlass: --seed must be (?!.*hunter2)/],
    [['up', '--secrets-key', 'hunter2'], 2, /^windlass: --secrets-key must be (?!.*hunter2)/],
    [['up', '--secrets-key', 'exec: '], 2, /--secrets-key exec:COMMAND needs a program/],
    [['up', '--secrets-key', 'credential:a/b'], 2, /must be the name of a credential/],
    [['up', '--secrets-key', 'file:.windlass/key'], 2, /must not lie in the data directory/],
    [['up', '--seal-kinds', 'A/B'], 2, /--seal-kinds must be plurals of kinds/],
    [['up', '--service-account-issuer', 'x'], 2, /--service-account-issuer must be an https URL/],
    [['up', '--config', '/nowhere'], 2, /--config \/nowhere cannot be read/],
    [['rollback'], 2, /SERVICE is missing: windlass rollback SERVICE/],
    [['rollback', 'x', '--to-revision', '0'], 2, /--to-revision must be a whole number from 1/],
    [['history', 'x', '--kubeconfig', '/nowhere'], 1, /there is no kubeconfig at \/nowhere/],
    [['status', '--data-dir', '/nowhere'], 1, /no server runs on \/nowhere\nnpm start starts one/],
    [
      ['controllers', '--metrics-bind', '10257'],
      2,
      /--metrics-bind must be an IP address .*"10257"/,
    ],
    [['node', 'run'], 2, /--kubeconfig is missing/],
  ];
  for (const [args, code, message] of WRONG) {
    test(`windlass ${args.join(' ')}`, async () => {
      const result = await windlass(args);
      assert.match(result.stderr, message);
      assert.equal(result.code, code);
      assert.equal(result.stdout, '');
      assert.doesNotMatch(result.stderr, / at .*\.ts:\d+/, 'no stack for a mistake of the user');
    });
  }

  test('a wrong environment variable is named', async () => {
    const { code, stderr } = await windlass(['up'], { WINDLASS_PORT: 'tcp://10.0.0.1:443' });
    assert.equal(code, 2);
    assert.match(stderr, /WINDLASS_PORT must be a whole number/);
  });

  test('a wrong key of the file that WINDLASS_CONFIG names', async () => {
    const file = join(tempDir(), 'config.yaml');
    writeFileSync(file, 'prot: 1\n');
    const { code, stderr } = await windlass(['up'], { WINDLASS_CONFIG: file });
    assert.equal(code, 2);
    assert.match(stderr, /config\.yaml: unknown key "prot"; did you mean port\?/);
  });

  test('windlass up --help names every flag, and which of them do not work yet', async () => {
    const { code, stdout } = await windlass(['up', '--help']);
    assert.equal(code, 0);
    const flags = [...stdout.matchAll(/^ {2}--([\w-]+)/gm)].map(([, name]) => name);
    const expected =
      'data-dir bind port manifests persistence ack on-sync-loss accept-possible-loss max-requests-inflight relaxed takeover secrets-key seal-kinds seed token-auth-file service-account-issuer authentication-config oidc-issuer-url oidc-client-id oidc-username-claim oidc-username-prefix ' +
      'oidc-groups-claim oidc-groups-prefix oidc-required-claim oidc-ca-file oidc-signing-algs audit-policy-file audit-log-path audit-log-maxsize audit-log-maxbackup cluster-domain runtime ' +
      'ingress-bind peer-port peer-address artifact-files image-gc-high-threshold image-gc-low-threshold image-minimum-age ' +
      'image-maximum-age no-controllers no-node no-console log-format log-level config help';
    assert.deepEqual(flags, expected.split(' '));
  });
});

suite('the data directory and the port', () => {
  const refused = async (args: readonly string[], message: RegExp): Promise<void> => {
    const { code, stderr, stdout } = await windlass(['up', ...args]);
    assert.match(stderr, message);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.doesNotMatch(stderr, / at .*\.ts:\d+/);
  };

  test('a file in its place', async () => {
    const path = join(tempDir(), 'file');
    writeFileSync(path, '');
    await refused(['--data-dir', path], /is a file, not a folder\nChoose another with --data-dir/);
    await refused(['--data-dir', join(path, 'below')], /is a file, not a folder/);
  });

  test(
    'a place where no folder can be made',
    { skip: process.platform !== 'linux' && 'no /proc' },
    async () => {
      await refused(['--data-dir', '/proc/nowhere/data'], /cannot be read and written: ENOENT/);
    },
  );

  test('a folder with other files is left alone', async () => {
    const path = tempDir();
    writeFileSync(join(path, 'thesis.txt'), 'x');
    await refused(
      ['--data-dir', path],
      /holds other files \(thesis\.txt\) and no state of Windlass/,
    );
  });

  test('a state file that is something else', async () => {
    const path = join(tempDir(), 'data');
    mkdirSync(path, { mode: 0o700 });
    writeFileSync(
      join(path, 'state.db'),
      'this is no database, it only has its name\n'.repeat(200),
    );
    await refused(['--data-dir', path, '--port', '0'], /state\.db/);
    assert.match(readFileSync(join(path, 'state.db'), 'utf8'), /^this is no database/);
  });

  test(
    'a folder that may not be read',
    { skip: process.getuid?.() === 0 && 'root may read everything' },
    async (t) => {
      const path = join(tempDir(), 'data');
      mkdirSync(path, { mode: 0o700 });
      chmodSync(path, 0o000);
      t.after(() => chmodSync(path, 0o700));
      await refused(['--data-dir', path], /cannot be read and written: EACCES/);
    },
  );

  test('a second start names the first, which goes on', async (t) => {
    const dataDir = join(tempDir(), 'data');
    const first = await startWindlass(t, { dataDir, args: ['--no-node', '--no-controllers'] });
    await refused(
      ['--data-dir', dataDir, '--port', '0'],
      new RegExp(`is in use by process ${first.pid}\nStop it first \\(kill ${first.pid}\\)`),
    );
    assert.equal((await windlass(['status', '--data-dir', dataDir])).code, 0);
  });

  test('a port in use, and the folder is free again afterwards', async (t) => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const dataDir = join(tempDir(), 'data');
    await refused(
      ['--data-dir', dataDir, '--port', `${port}`],
      new RegExp(`127\\.0\\.0\\.1 port ${port}: another process uses it; .*--port`),
    );
    await startWindlass(t, { dataDir, args: ['--no-node', '--no-controllers'] });
  });

  test('an address that is not of this machine', async () => {
    const dataDir = join(tempDir(), 'data');
    await refused(
      ['--data-dir', dataDir, '--bind', '192.0.2.77', '--port', '0'],
      /no such address; choose one with --bind/,
    );
  });

  test('--runtime docker without a Docker Engine says what is missing', async () => {
    const dataDir = join(tempDir(), 'data');
    const { code, stderr } = await windlass(
      ['up', '--data-dir', dataDir, '--port', '0', '--runtime', 'docker'],
      { DOCKER_HOST: `unix://${dataDir}/none.sock` },
    );
    assert.equal(code, 1);
    assert.match(stderr, /Docker/);
    assert.match(stderr, /none\.sock/);
  });
});

suite('manifests', needs(missingKubectl()), () => {
  test('each mistake names file, document, line and the words of the server; the rest is applied, and a mended file too', async (t) => {
    const folder = tempDir();
    const port = await freePort();
    const manifests = join(folder, 'manifests');
    mkdirSync(manifests);
    const write = (name: string, text: string): void => writeFileSync(join(manifests, name), text);
    const configMap = (name: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`;
    write('1-syntax.yaml', `${configMap('one')}---\nkind: [\n`);
    write('2-unknown-field.yaml', `${configMap('two')}dta:\n  a: b\n---\n${configMap('two-b')}`);
    write('3-kind.yaml', 'apiVersion: windlass.dev/v1alpha1\nkind: Servce\nmetadata:\n  name: x\n');
    write(
      '4-hello.yaml',
      helloManifest({ port, replace: { 'image: node:26-slim': 'imagee: node:26-slim' } }),
    );
    write('5-type.yaml', helloManifest({ port, replicas: 'many' as unknown as number }));
    write('6-good.yaml', configMap('good'));
    const dataDir = join(folder, 'data');
    const up = await startWindlass(t, { dataDir, args: ['--manifests', manifests] });
    await up.printed(/^configmap\/good created$/m);
    const { output } = up;
    assert.match(output, /1-syntax\.yaml, document 2, line \d+: does not parse: .*; mend the file/);
    assert.match(output, /2-unknown-field\.yaml, document 1, line 5: .*unknown field "dta"/);
    assert.match(output, /^configmap\/two-b created$/m);
    assert.match(
      output,
      /3-kind\.yaml, document 1, line 2: the server has no kind Servce in windlass\.dev\/v1alpha1/,
    );
    assert.match(
      output,
      /4-hello\.yaml, document 2, line \d+: .*unknown field "spec\.template\.spec\.containers\[0\]\.imagee"/,
    );
    assert.match(output, /5-type\.yaml, document 2, line \d+: .*spec\.replicas/);

    write('1-syntax.yaml', configMap('one'));
    await up.printed(/^configmap\/one created$/m);
    write('4-hello.yaml', helloManifest({ port }));
    await up.printed(/^hello: 3 of 3 ready/m);
    assert.match((await httpGet(`http://127.0.0.1:${port}`)).body, /^Hello/);
  });

  test('a port of the ingress that is in use is named with the service', async (t) => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const folder = tempDir();
    const manifest = join(folder, 'hello.yaml');
    writeFileSync(manifest, helloManifest({ port, replicas: 1 }));
    const up = await startWindlass(t, {
      dataDir: join(folder, 'data'),
      args: ['--manifests', manifest],
    });
    await up.printed(
      new RegExp(`^hello: IngressPortInUse: port ${port} .* is in use by another program`, 'm'),
    );
    await up.printed(/^hello: 1 of 1 ready/m);
    await up.printed(/Ctrl-C/);
    assert.doesNotMatch(up.output, /answers at/);
    assert.match(up.output, new RegExp(`^hello does not answer: port ${port} `, 'm'));
  });

  test('a program that exits is explained with the end of its log; mended, it rolls out', async (t) => {
    const folder = tempDir();
    const port = await freePort();
    const file = join(folder, 'hello.yaml');
    const command = 'command: [node, app/hello.mjs]';
    const broken = 'command: [sh, -c, "echo cannot open the database; exit 3"]';
    writeFileSync(file, helloManifest({ port, replicas: 2, replace: { [command]: broken } }));
    const up = await startWindlass(t, {
      dataDir: join(folder, 'data'),
      args: ['--manifests', file],
    });
    await up.printed(/Ctrl-C/);
    assert.match(
      up.output,
      /^hello waits for (hello-\w{5}): CrashLoopBackOff, exit code 3: .*\n {2}its log ends:\n {4}cannot open the database\n {2}next: kubectl describe pod \1;/m,
    );
    assert.match(up.output, /^hello does not answer: none of its instances is ready, see above$/m);
    assert.equal(up.output.match(/waits for/g)?.length, 1, up.output);
    writeFileSync(file, helloManifest({ port, replicas: 2 }));
    await up.printed(/^hello: 2 of 2 ready/m);
    rmSync(file);
    await up.printed(/hello\.yaml: cannot be read: ENOENT/);
    const kubectl = new Kubectl(up.kubeconfig, folder);
    await kubectl.ok(['delete', 'wsvc', 'hello']);
    await up.printed(/^hello: deleted; save its manifest to apply it again$/m);
  });

  test('a path that is not there is named, and the server goes on', async (t) => {
    const dataDir = join(tempDir(), 'data');
    const up = await startWindlass(t, { dataDir, args: ['--manifests', '/nowhere'] });
    await up.printed(/^\/nowhere: cannot be read: ENOENT/m);
    assert.equal((await windlass(['status', '--data-dir', dataDir])).code, 0);
  });
});

suite('programs', needs(missingKubectl()), () => {
  const CASES: readonly (readonly [
    what: string,
    replace: Record<string, string>,
    message: RegExp,
  ])[] = [
    [
      'that do not exist',
      { 'command: [node, app/hello.mjs]': 'command: [no-such-program]' },
      /no-such-program/,
    ],
    [
      'that exit at once',
      { 'command: [node, app/hello.mjs]': 'command: [node, -e, process.exit(3)]' },
      /CrashLoopBackOff|exit code 3|Error/,
    ],
    ['whose probe never passes', { 'path: /ready': 'path: /never' }, /not ready|Unhealthy|probe/],
  ];
  for (const [what, replace, message] of CASES) {
    test(`${what}: the reason is shown and the old instances go on serving`, async (t) => {
      const dataDir = join(tempDir(), 'data');
      const port = await freePort();
      const up = await startWindlass(t, { dataDir });
      const kubectl = new Kubectl(up.kubeconfig, dataDir);
      await kubectl.apply(helloManifest({ port }));
      await kubectl.ok(['wait', '--for=condition=Ready', 'wsvc/hello', '--timeout=120s']);
      // The port named `/never` answers 200 to anything but /ready: break it by its port instead.
      const changes = what.includes('probe')
        ? { 'path: /ready\n              port: http': 'path: /ready\n              port: 1' }
        : replace;
      await kubectl.apply(helloManifest({ port, greeting: 'Broken', replace: changes }));
      await eventually('the reason is shown', async () => {
        const text = await kubectl.ok(['describe', 'wsvc,pods']);
        assert.match(text.slice(text.indexOf('Broken')), message);
      });
      const format = '{.status.updatedReplicas} {.status.readyReplicas}';
      const status = await kubectl.ok(['get', 'wsvc', 'hello', '-o', `jsonpath=${format}`]);
      assert.match(status, /^[01] [34]$/);
      for (let request = 0; request < 10; request++)
        assert.match((await httpGet(`http://127.0.0.1:${port}`)).body, /^Hello/);
    });
  }
});
