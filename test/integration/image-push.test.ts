// `windlass image push` between two real Docker Engines, each a machine with its own agent.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { startAgent } from '#controllers/agent/start.ts';
import { NODES } from '#controllers/machinery/resources.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { RequestError } from '#controllers/machinery/request-error.ts';
import {
  missingForEngine,
  startEngine,
  TEST_IMAGE,
} from '#controllers/runtimes/docker-engine.test-support.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { outputOf, runCommand } from '../support/command.ts';
import type { CommandResult } from '../support/command.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/missing-part.ts';
import { tempDir } from '../support/temp-dir.ts';
import { launcher } from '../support/windlass.ts';

const IMAGE = 'acme/app:1';

async function startMachine(
  t: TestContext,
  plane: TestControlPlane,
  nodeName: string,
  dockerHost: string | undefined,
): Promise<string> {
  const dataDir = join(tempDir(), nodeName);
  await mkdir(dataDir);
  const agent = await startAgent(
    {
      kubeconfig: await plane.nodeKubeconfig(nodeName),
      nodeName,
      windlassVersion: '0.0.0',
      dataDir,
      clusterDomain: 'internal',
      runtime: dockerHost === undefined ? 'process' : 'docker',
      logger: silentLogger,
      clock: systemClock,
      metrics: new MetricsRegistry(),
      environment: dockerHost === undefined ? {} : { DOCKER_HOST: dockerHost },
    },
    plane.signal,
  );
  t.after(() => agent.close({ stopContainers: true }));
  return dataDir;
}

const docker = (host: string, ...args: readonly string[]): Promise<string> =>
  outputOf('docker', ['-H', host, ...args], { env: { ...process.env, DOCKER_BUILDKIT: '0' } });

/** Builds an image with one more layer for each text. */
async function build(host: string, name: string, texts: readonly string[]): Promise<void> {
  const folder = tempDir();
  const lines = [`FROM ${TEST_IMAGE}`];
  for (const [index, text] of texts.entries()) {
    await writeFile(join(folder, `f${index}`), text);
    lines.push(`COPY f${index} /f${index}`);
  }
  await writeFile(join(folder, 'Dockerfile'), [...lines, 'CMD ["cat", "/f0"]'].join('\n'));
  await docker(host, 'build', '-t', name, folder);
}

test(
  'image push sends to each machine what it lacks, and a second time nothing',
  needs(await missingForEngine()),
  async (t) => {
    const [one, two] = [await startEngine(), await startEngine({ index: 1 })];
    t.after(() => Promise.all([one.close(), two.close()]));
    const plane = await TestControlPlane.start(t);
    await startMachine(t, plane, 'm1', one.host);
    const dataDir = await startMachine(t, plane, 'm2', two.host);
    await startMachine(t, plane, 'programs', undefined);
    const push = (...args: readonly string[]): Promise<CommandResult> =>
      runCommand(
        process.execPath,
        [launcher, 'image', 'push', ...args, '--kubeconfig', plane.kubeconfig],
        {
          env: { ...process.env, DOCKER_HOST: one.host, TMPDIR: tempDir() },
        },
      );
    const idOn = async (host: string, name = IMAGE): Promise<string> =>
      (await docker(host, 'image', 'inspect', '--format', '{{.Id}}', name)).trim();
    // More than one piece of an upload, and nothing that repeats.
    const large = Buffer.concat(
      Array.from({ length: 170_000 }, (_, index) =>
        createHash('sha256').update(String(index)).digest(),
      ),
    ).toString('base64');

    await build(one.host, IMAGE, ['hello', large]);
    const first = await push(IMAGE);
    assert.equal(first.code, 0, first.stderr + first.stdout);
    assert.match(first.stdout, /^m1 {2}has it already$/m);
    // The lowest layer was imported on both Engines, from equal files at other times: it counts as another.
    assert.match(first.stdout, /^m2 {2}done: [23] layers sent \(\d+\.\d MB\)/m);
    assert.match(first.stderr, /^programs is left out: its runtime is process/m);
    assert.equal(await idOn(two.host), await idOn(one.host));
    assert.equal(await docker(two.host, 'run', '--rm', '--network', 'none', IMAGE), 'hello');
    assert.deepEqual(await readdir(join(dataDir, 'node', 'pushed-images')), []);
    await eventually('the Node says that it has it', async () => {
      const node = await plane.client.get<
        ApiObject & {
          readonly status?: { readonly images?: readonly { readonly names: readonly string[] }[] };
        }
      >(NODES, '', 'm2', plane.signal);
      assert.ok(node.status?.images?.some(({ names }) => names.includes(IMAGE)));
    });

    const second = await push(IMAGE);
    assert.match(second.stdout, /^m2 {2}has it already$/m);
    assert.doesNotMatch(second.stdout, /sending/);

    // Built further: only what is new travels.
    await build(one.host, 'acme/app:2', ['hello', large, 'more']);
    const third = await push('acme/app:2', '--node', 'm2');
    assert.match(third.stdout, /^m2 {2}done: 1 layer sent \(\d+\.\d kB\), 3 there already$/m);
    assert.equal(await idOn(two.host, 'acme/app:2'), await idOn(one.host, 'acme/app:2'));

    // Another name of the same.
    await docker(one.host, 'tag', IMAGE, '127.0.0.1:5000/other/app');
    const fourth = await push('127.0.0.1:5000/other/app', '--node', 'm2');
    assert.match(fourth.stdout, /^m2 {2}done: 0 layers sent \(0 B\), 3 there already$/m);
    assert.equal(await idOn(two.host, '127.0.0.1:5000/other/app:latest'), await idOn(one.host));

    for (const { args, code, message } of [
      {
        args: ['none/such:1'],
        code: 1,
        message: /has no image none\/such:1: build it with docker build/,
      },
      { args: ['UPPER'], code: 2, message: /invalid image "UPPER"/ },
      { args: [`a@sha256:${'a'.repeat(64)}`], code: 2, message: /name it by a tag/ },
      { args: [IMAGE, '--node', 'm3'], code: 1, message: /there is no machine m3/ },
      {
        args: [IMAGE, '--node', 'programs'],
        code: 1,
        message: /programs takes no images: its runtime is process/,
      },
      { args: [IMAGE, '--max-size', '1Ki'], code: 1, message: /more than --max-size 1Ki/ },
      { args: [IMAGE, '--max-size', 'big'], code: 2, message: /--max-size must be a size/ },
    ]) {
      const refused = await push(...args);
      assert.equal(refused.code, code, refused.stderr);
      assert.match(refused.stderr, message);
    }

    // What was staged half is gone on with; what is broken is thrown away and said.
    const post = (path: string, body: Buffer): Promise<unknown> =>
      plane.client.postBytes(`/api/v1/nodes/m2/proxy/${path}`, body, plane.signal);
    const blob = Buffer.from('0123456789');
    const digest = `sha256:${createHash('sha256').update(blob).digest('hex')}`;
    const at = (offset: number, of = digest): string =>
      `windlass-images/blob?digest=${of}&offset=${offset}&size=10`;
    assert.deepEqual(await post(at(0), blob.subarray(0, 4)), { received: 4 });
    assert.deepEqual(await post(at(0), blob), { received: 4 });
    assert.deepEqual(await post(at(4), blob.subarray(4)), { received: 10 });
    assert.deepEqual(await post(at(0), blob), { received: 10 });
    const other = `sha256:${'0'.repeat(64)}`;
    const refusals: readonly (readonly [path: string, body: Buffer, code: number])[] = [
      [at(0, other), blob, 400],
      [at(0, '../../etc/passwd'), blob, 400],
      [at(-1), blob, 400],
      ['windlass-images/plan', Buffer.from('{'), 400],
      ['windlass-images/other', Buffer.alloc(0), 400],
      ['elsewhere', Buffer.alloc(0), 404],
      ['windlass-images/../../m1', Buffer.alloc(0), 404],
    ];
    for (const [path, body, code] of refusals)
      await assert.rejects(
        post(path, body),
        (error) => error instanceof RequestError && error.code === code,
        path,
      );
    assert.deepEqual(await readdir(join(dataDir, 'node', 'pushed-images')), [digest.slice(7)]);
  },
);
