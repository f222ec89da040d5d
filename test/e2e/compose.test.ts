// A Compose file through its life, on the process runtime: deployed in order, changed, pruned, failing with its last words.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { runCommand } from '../support/command.ts';
import type { CommandResult } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { httpGet } from '../support/http-poller.ts';
import { tempDir } from '../support/temp-dir.ts';
import { endWindlass, launcher, projectRoot, startWindlass } from '../support/windlass.ts';
import type { Windlass } from '../support/windlass.ts';

const folder = tempDir();
const file = join(folder, 'compose.yaml');
const dataDir = join(folder, 'data');
const example = readFileSync(
  join(projectRoot, 'deploy', 'examples', 'compose', 'compose.yaml'),
  'utf8',
);

function cli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
  return runCommand('node', [launcher, ...args, '--data-dir', dataDir], {
    cwd: projectRoot,
    env: { ...process.env, ...env },
    timeoutMs: 60_000,
  });
}

suite('a Compose file', () => {
  let windlass: Windlass;
  let page = '';
  let text = '';

  before(async () => {
    const [one, two] = [await freePort(), await freePort()];
    text = example.replaceAll('8091', String(one)).replaceAll('8092', String(two));
    page = `http://127.0.0.1:${one}/`;
    writeFileSync(file, text);
    windlass = await startWindlass({ after: () => undefined }, { dataDir });
    await eventually('the node is ready', async () => {
      assert.match((await cli(['status'])).stdout, /1 of 1 ready/);
    });
  });
  after(() => endWindlass(windlass));

  test('--dry-run shows the plan, what is needed first, and changes nothing', async () => {
    const { code, stdout, stderr } = await cli(['deploy', '-f', file, '--dry-run']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\+ create service counter\n[^]*\+ create service page\n/);
    assert.match(stdout, /Nothing was changed: --dry-run\n$/);
    assert.doesNotMatch(stdout, /visitor/);
    assert.equal((await cli(['diff', '-f', file])).code, 1);
  });

  test('it is deployed, follows its instances, and is up to date then', async () => {
    const { code, stdout, stderr } = await cli(['deploy', '-f', file, '--yes']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^ {2}counter-\w{5} {2}Healthy$/m);
    assert.match(stdout, /^ {2}page-\w{5} {2}Monitoring \(1s\)$/m);
    assert.match(stdout, /counter is rolled out: 1 of 1 ready\n/);
    assert.match(stdout, /page is rolled out: 2 of 2 ready\n/);
    assert.match((await httpGet(page)).body, /^\d+ visits$/m);
    const again = await cli(['deploy', '-f', file]);
    assert.deepEqual([again.code, again.stdout], [0, 'Services are up to date.\n']);
  });

  test('a variable changes one service, and another one is not touched', async () => {
    const guests = { WORD: 'guests' };
    const plan = await cli(['plan', '-f', file, 'page', '-o', 'json'], guests);
    const plans = JSON.parse(plan.stdout) as readonly {
      readonly service: string;
      readonly operations: readonly { readonly op: string }[];
    }[];
    assert.deepEqual(
      plans.map(({ service, operations }) => [service, operations.map(({ op }) => op)]),
      [
        ['counter', []],
        ['page', ['replace', 'replace']],
      ],
    );
    const { code, stderr } = await cli(['deploy', '-f', file, '--yes', 'page'], guests);
    assert.equal(code, 0, stderr);
    assert.match((await httpGet(page)).body, /^\d+ guests$/m);
    assert.equal((await cli(['rollback', 'page'])).code, 0);
    await eventually('it is back', async () => {
      assert.match((await httpGet(page)).body, /^\d+ visits$/m);
    });
    assert.match((await cli(['history', 'page'])).stdout, /\d +page-\w+ +\S+ +template +current\n/);
  });

  test('what left the file stays until --prune, and nothing else goes then', async () => {
    const other = ['run', 'x', '--name', 'other', '--replicas', '0', '-d'];
    assert.equal((await cli(other)).code, 0);
    const extra = `  extra:\n    <<: *settings\n    entrypoint: [sleep, '600']\n    secrets: [word]\nsecrets:\n  word: { environment: SECRET_WORD }\n`;
    writeFileSync(file, text + extra);
    const env = { SECRET_WORD: 'geheim' };
    const added = await cli(['deploy', '-f', file, '--yes', '--skip-health'], env);
    assert.equal(added.code, 0, added.stderr);
    assert.match(added.stdout, /\+ create secret\/word\n/);
    assert.doesNotMatch(added.stdout + added.stderr + windlass.output, /geheim|Z2VoZWlt/);

    writeFileSync(file, text);
    const kept = await cli(['deploy', '-f', file, '--yes', '--project', 'visits']);
    assert.equal(kept.code, 0, kept.stderr);
    assert.match(
      kept.stdout,
      /Not in the files any more: service\.windlass\.dev\/extra, secret\/w/,
    );
    const plan = await cli(['deploy', '-f', file, '--prune']);
    assert.equal(plan.code, 1);
    assert.match(plan.stdout, /- remove service extra \(1 instance\)\n- remove secret\/word\n/);
    assert.match(plan.stderr, /No changes were made/);
    const pruned = await cli(['deploy', '-f', file, '--prune', '--yes']);
    assert.equal(pruned.code, 0, pruned.stderr);
    assert.match(pruned.stdout, /^service\.windlass\.dev\/extra deleted$/m);
    assert.match(pruned.stdout, /^secret\/word deleted$/m);
    const again = await cli(['deploy', '-f', file, '--prune']);
    assert.deepEqual([again.code, again.stdout], [0, 'Services are up to date.\n']);
    assert.equal((await cli(['history', 'other'])).code, 0);
  });

  test('a failure shows the last lines of the log, ends with 1, and the old instances serve', async () => {
    const broken = text.replace(
      ".listen(Number(PORT), () => console.log('the page is open'))",
      ".on('x', console.log('one'), console.log('no such luck'), process.exit(3))",
    );
    assert.notEqual(broken, text);
    writeFileSync(file, broken);
    const args = ['deploy', '-f', file, '--yes', '--log-lines', '1', '--timeout', '90s'];
    const { code, stdout, stderr } = await cli(args);
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^ {2}page-\w{5} {2}Unhealthy \(.*exit code 3/m);
    assert.match(stderr, /^Last 1 log lines of page-\w{5}:\n {2}no such luck\n/m);
    assert.match(stderr, /windlass: service page is not rolled out: /);
    assert.match((await httpGet(page)).body, /^\d+ visits$/m);
  });

  test('volumes, configs, secrets and hooks are what the file says; a failed hook tells its last words', async () => {
    const more = join(folder, 'more.yaml');
    const service = (hook: string, level: number, timeout = '1m'): string => `name: more
services:
  app:
    image: node:26-slim
    entrypoint: [sh, -c, "cat etc/app.conf run/secrets/token; echo; touch data/kept; ls data; sleep 600"]
    configs: [{ source: conf, target: /etc/app.conf }]
    secrets: [token]
    volumes: ["app_data:/data"]
    x-pre_deploy: { entrypoint: "", command: [sh, -c, "${hook}"], timeout: ${timeout} }
    deploy: { update_config: { monitor: 1s } }
configs: { conf: { content: "level=${level}\\n" } }
secrets: { token: { environment: TOKEN } }
volumes: { app_data: }
`;
    const env = { TOKEN: 'sesame' };
    writeFileSync(more, service('echo migrated', 1));
    const first = await cli(['deploy', '-f', more, '--yes'], env);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /create volume app-data-\w+ on /);
    assert.match(first.stdout, /^ {2}app-\w{5} {2}Pre-deploy hook: Done$/m);
    assert.doesNotMatch(first.stdout + first.stderr, /sesame/);
    await eventually('its files are there', async () => {
      const { stdout } = await cli(['logs', 'app']);
      assert.match(stdout, /^app-\w{5} \| level=1\napp-\w{5} \| sesame\napp-\w{5} \| kept$/m);
    });
    writeFileSync(more, service('echo no migration; exit 4', 2));
    const failed = await cli(['deploy', '-f', more, '--yes'], env);
    assert.equal(failed.code, 1, failed.stdout);
    assert.match(failed.stdout, /Pre-deploy hook: Failed \(ended: Error, exit code 4\)/);
    assert.match(failed.stderr, /^Last 1 log lines of app-\w{5}:\n {2}no migration$/m);
    writeFileSync(more, service('exec sleep 600', 3, '1s'));
    const late = await cli(['deploy', '-f', more, '--yes'], env);
    assert.equal(late.code, 1, late.stdout);
    assert.match(late.stderr, /pre-deploy hook app-\w{5} timed out after 1s/);
  });

  test('a canary waits: deploy ends with 3, promote lets it go on, abort brings the old one back', async () => {
    const canary = join(folder, 'canary.yaml');
    const write = (seconds: number): void =>
      writeFileSync(
        canary,
        `apiVersion: windlass.dev/v1alpha1
kind: Service
metadata: { name: canary }
spec:
  replicas: 2
  updateStrategy: { type: Canary, monitorPeriod: 0s, canary: { steps: [{ count: 1 }] } }
  template:
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: c, image: x, command: [sleep, '${seconds}'] }] }
`,
      );
    const deployed = (): Promise<CommandResult> => cli(['deploy', '-f', canary, '--yes']);
    write(600);
    assert.equal((await deployed()).code, 0);
    assert.match((await cli(['promote', 'canary'])).stderr, /canary does not wait to be promoted/);
    assert.match(
      (await cli(['abort', 'canary'])).stderr,
      /no rollout of service canary is under way/,
    );
    write(601);
    const waits = await deployed();
    assert.equal(waits.code, 3, waits.stderr);
    assert.match(
      waits.stderr,
      /canary waits at step 1 of its rollout\nwindlass promote canary lets/,
    );
    assert.match((await cli(['promote', 'canary'])).stdout, /goes on after step 1\n$/);
    await eventually('it is rolled out', async () => {
      assert.equal((await cli(['deploy', '-f', canary])).stdout, 'Services are up to date.\n');
    });
    write(602);
    assert.equal((await deployed()).code, 3);
    assert.match((await cli(['abort', 'canary'])).stdout, /gives revision \w+ up and goes back to/);
    await eventually('the old one is back', async () => {
      write(601);
      const { stdout } = await cli(['plan', '-f', canary, '-o', 'json']);
      assert.deepEqual((JSON.parse(stdout) as { operations: unknown[] }).operations, []);
    });
  });

  test('what is wrong in the file is told with its line, from plan, diff and deploy', async () => {
    writeFileSync(file, text.replace('image: node:26-slim', 'image: node:26-slim\n  imgae: x'));
    for (const [command, exit] of Object.entries({ plan: 1, deploy: 1, diff: 2 })) {
      const { code, stderr, stdout } = await cli([command, '-f', file]);
      assert.deepEqual([code, stdout], [exit, ''], command);
      assert.match(stderr, /compose\.yaml, line \d+: services\.\w+\.imgae: unknown field; did you/);
    }
  });
});
