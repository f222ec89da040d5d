// `windlass deploy` of a file that has not changed: what has pull policy Always is asked for again, and replaced only when its tag has
// moved. With a real registry, over the real control plane.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { parseImageReference } from '#controllers/machinery/image-reference.ts';
import { pushImage } from '#controllers/registry/image-fixture.ts';
import { Repository } from '#controllers/registry/repository.ts';
import { Transport } from '#controllers/registry/transport.ts';
import { systemClock } from '#platform/clock.ts';
import { runCommand } from '../support/command.ts';
import type { CommandResult } from '../support/command.ts';
import { missingForRegistry, startRegistry } from '../support/docker-registry.ts';
import type { TestRegistry } from '../support/docker-registry.ts';
import { needs } from '../support/missing-part.ts';
import { QUICK, ServiceBench, templateOf } from '../support/service-bench.ts';
import { tempDir } from '../support/temp-dir.ts';
import { launcher, projectRoot } from '../support/windlass.ts';

const registries = { dockerFolder: undefined, environment: {} };
const missing = needs(await missingForRegistry());

class DeployBench {
  readonly bench: ServiceBench;
  readonly registry: TestRegistry;
  readonly image: string;
  readonly #repository: Repository;
  readonly #file = join(tempDir(), 'web.json');

  constructor(bench: ServiceBench, registry: TestRegistry, transport: Transport) {
    this.bench = bench;
    this.registry = registry;
    this.image = `${registry.address}/acme/app:1`;
    this.#repository = new Repository(transport, parseImageReference(this.image), []);
  }

  static async start(t: TestContext): Promise<DeployBench> {
    const registry = await startRegistry();
    t.after(() => registry.close());
    const transport = new Transport({
      clock: systemClock,
      userAgent: 'windlass-test',
      plainHTTP: [],
    });
    t.after(() => transport[Symbol.asyncDispose]());
    return new DeployBench(await ServiceBench.start(t), registry, transport);
  }

  /** @returns its digest */
  push(content: string): Promise<string> {
    return pushImage(this.#repository, '1', content, this.bench.plane.signal);
  }

  write(imagePullPolicy: string, spec: object = {}): void {
    const template = templateOf(this.image, {}, { imagePullPolicy });
    writeFileSync(
      this.#file,
      JSON.stringify({
        apiVersion: 'windlass.dev/v1alpha1',
        kind: 'Service',
        metadata: { name: 'web' },
        spec: { replicas: 2, updateStrategy: QUICK, template, ...spec },
      }),
    );
  }

  cli(command: string, ...flags: readonly string[]): Promise<CommandResult> {
    const { kubeconfig } = this.bench.plane;
    const args = [launcher, command, '-f', this.#file, '--kubeconfig', kubeconfig, ...flags];
    return runCommand('node', args, { cwd: projectRoot });
  }

  async deploy(...flags: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.cli('deploy', '--yes', ...flags);
    assert.equal(code, 0, `${stdout}${stderr}`);
    return stdout;
  }
}

test(
  'pull policy Always: unmoved it is up to date, moved it is rolled out, back and forth',
  missing,
  async (t) => {
    const at = await DeployBench.start(t);
    const { bench, image } = at;
    await bench.plane.controllers(undefined, { registries });
    const first = await at.push('first');
    at.write('Always');
    assert.doesNotMatch(await at.deploy(), /looked up|moved/);
    await bench.settled(`${image}@${first}`, 2);

    const plan = await at.cli('plan');
    assert.equal(
      plan.stdout,
      `web is up to date, unless ${image} has moved: its registry is asked when it is deployed\n`,
    );
    const asked = JSON.parse((await at.cli('plan', '-o', 'json')).stdout) as object;
    assert.deepEqual(
      { ...asked, serviceID: '' },
      { service: 'web', serviceID: '', operations: [], summary: 'up to date', lookups: [image] },
    );
    // It may replace every instance: nobody has said yes to that.
    const refused = await at.cli('deploy');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /no terminal\. No changes were made\./);
    const made = bench.nodes.created.length;
    assert.match(
      await at.deploy(),
      new RegExp(`\n${image} has not moved: ${first}\nServices are up to date\\.\n$`),
    );
    assert.equal(bench.nodes.created.length, made);
    assert.equal((await bench.revisions()).length, 1);

    const second = await at.push('second');
    const moved = (from: string, to: string): RegExp =>
      new RegExp(`\n${image} has moved: ${from} → ${to}\n[^]*\nweb is rolled out: 2 of 2 ready\n$`);
    assert.match(await at.deploy(), moved(first, second));
    await bench.settled(`${image}@${second}`, 2);
    assert.equal(bench.nodes.created.length, made + 2);
    // Growing beside a moved tag.
    assert.equal(await at.push('first'), first);
    at.write('Always', { replicas: 3 });
    const grown = await at.deploy();
    assert.match(grown, /│ \? \S+ is looked up again in its registry: if it has moved, every/);
    assert.match(grown, new RegExp(`has moved: ${second} → ${first}\n`));
    await bench.settled(`${image}@${first}`, 3);
    // To where it has been before: that revision is taken up again.
    assert.equal(await at.push('second'), second);
    assert.match(await at.deploy(), new RegExp(`has moved: ${first} → ${second}\n`));
    await bench.settled(`${image}@${second}`, 3);
    assert.match(await at.deploy(), /has not moved: \S+\nServices are up to date/);
  },
);

test(
  '--pull asks for what machines may have, and a deployment without it does not',
  missing,
  async (t) => {
    const at = await DeployBench.start(t);
    const { bench, image } = at;
    await bench.plane.controllers(undefined, { registries });
    const first = await at.push('first');
    at.write('IfNotPresent');
    await at.deploy();
    await bench.settled(`${image}@${first}`, 2);
    const second = await at.push('second');
    assert.equal(await at.deploy(), 'Services are up to date.\n');
    assert.match(await at.deploy('--pull'), new RegExp(`has moved: ${first} → ${second}\n`));
    await bench.settled(`${image}@${second}`, 2);
    at.write('Never');
    await at.deploy();
    assert.equal(await at.deploy('--pull'), 'Services are up to date.\n');
  },
);

test(
  'a registry that does not answer, and controllers that do not run, are told',
  missing,
  async (t) => {
    const at = await DeployBench.start(t);
    const { bench, image } = at;
    const stop = await bench.plane.controllers(undefined, { registries });
    const first = await at.push('first');
    at.write('Always');
    await at.deploy();
    await bench.settled(`${image}@${first}`, 2);
    const made = bench.nodes.created.length;
    await at.registry.close();
    const silent = await at.cli('deploy', '--yes');
    assert.equal(silent.code, 1);
    assert.match(silent.stdout, new RegExp(`was not looked up: .+; it stays ${first}\n`));
    assert.match(
      silent.stderr,
      /image \S+ of service web was not looked up: .+\nInstances keep what/,
    );
    await bench.settled(`${image}@${first}`, 2);
    assert.equal(bench.nodes.created.length, made);

    await stop();
    const nobody = await at.cli('deploy', '--yes', '--timeout', '2s');
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /nobody has looked up the images of web within 2 s\n.*windlass up/);
  },
);
