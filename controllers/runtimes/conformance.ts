// What every runtime must do, as tests over a factory. Run by process.test.ts and docker.test.ts; a new runtime adds its own.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import type { ContainerSpec, ContainerStatus, PodSandboxSpec, Runtime } from './runtime.ts';
import { StartError } from './runtime.ts';
import { sessionsConformance } from './sessions-conformance.ts';

export interface RuntimeHarness {
  readonly runtime: Runtime;
  /** A second one over the same containers, as after a restart of the agent; the first is disposed of before. */
  reopen(): Promise<Runtime>;
}

export type TestFunction = (name: string, run: (context: TestContext) => Promise<void>) => unknown;

export interface ConformanceOptions {
  readonly test: TestFunction;
  readonly name: string;
  readonly image: string;
  readonly open: (folder: string) => Promise<RuntimeHarness>;
}

const signal = new AbortController().signal;

async function text(stream: Readable): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) parts.push(chunk);
  return Buffer.concat(parts).toString('utf8');
}

/** The state once the container has ended. */
export async function ended(runtime: Runtime, id: string): Promise<ContainerStatus> {
  const { promise, resolve } = Promise.withResolvers<ContainerStatus>();
  const look = async (): Promise<void> => {
    const found = (await runtime.list()).find((status) => status.id === id);
    if (found?.state.state === 'exited') resolve(found);
  };
  const off = runtime.onChange(() => void look());
  await look();
  const status = await promise;
  off();
  return status;
}

/** A container with nothing special. */
export const PLAIN: Pick<
  ContainerSpec,
  'resources' | 'security' | 'engine' | 'imageHealthCheck' | 'stopGraceSeconds'
> = {
  resources: {},
  security: {
    privileged: false,
    addCapabilities: [],
    dropCapabilities: [],
    supplementalGroups: [],
    nonRoot: false,
    readOnlyRoot: false,
    noNewPrivileges: false,
    unconfined: [],
  },
  engine: {},
  imageHealthCheck: false,
  stopGraceSeconds: 10,
};

/** A Pod with nothing special. */
export function sandboxSpec(
  pod: Pick<PodSandboxSpec, 'namespace' | 'pod' | 'podUID'>,
  more: Partial<PodSandboxSpec> = {},
): PodSandboxSpec {
  return {
    ...pod,
    hostname: pod.pod,
    hostNetwork: false,
    hostPID: false,
    hostIPC: false,
    shareProcessNamespace: false,
    ports: [],
    sysctls: {},
    hostAliases: [],
    dns: { servers: [], searches: [], options: [] },
    ...more,
  };
}

export function runtimeConformance(options: ConformanceOptions): void {
  const run = (
    title: string,
    body: (harness: RuntimeHarness, spec: SpecOf) => Promise<void>,
  ): void => {
    options.test(`${options.name} runtime ${title}`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'windlass-runtime-'));
      const harness = await options.open(folder);
      const pod = { namespace: 'default', pod: 'web', podUID: 'u1' };
      const sandbox = await harness.runtime.preparePod(sandboxSpec(pod), signal);
      const spec: SpecOf = (script, more = {}) => ({
        sandbox,
        identity: { namespace: 'default', pod: 'web', podUID: 'u1', container: 'main', attempt: 0 },
        image: options.image,
        command: ['sh', '-c', script],
        args: [],
        env: {},
        ports: [],
        mounts: [],
        imagePullPolicy: 'Never',
        podDirectory: join(folder, 'pod'),
        logFile: join(folder, 'logs', 'main.log'),
        ...PLAIN,
        ...more,
      });
      try {
        await body(harness, spec);
      } finally {
        const last = await harness.reopen();
        for (const { id } of await last.list()) {
          await last.stop(id, 0);
          await last.remove(id);
        }
        for (const uid of await last.pods()) await last.removePod(uid);
        assert.deepEqual(await last.pods(), []);
        await last[Symbol.asyncDispose]();
        await rm(folder, { recursive: true, force: true });
      }
    });
  };
  type SpecOf = (script: string, more?: Partial<ContainerSpec>) => ContainerSpec;

  sessionsConformance(run);

  run('says what running containers use', async ({ runtime }, spec) => {
    if (runtime.usage === undefined || process.platform !== 'linux') return;
    // The work is done by a child that has ended: its time counts too.
    const burn = '(i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done); echo burnt; exec sleep 600';
    const { id } = await runtime.run(spec(burn), signal);
    const log = await runtime.logs(id, { follow: true, timestamps: false }, signal);
    await once(log, 'data');
    log.destroy();
    const used = (await runtime.usage()).find((one) => one.id === id);
    assert.ok(used !== undefined && used.cpuNanoseconds >= 1e7, JSON.stringify(used));
    assert.ok(used.memoryBytes > 0, JSON.stringify(used));
    await runtime.stop(id, 0);
    assert.deepEqual(await runtime.usage(), []);
  });

  run('reports the exit code and keeps the log', async ({ runtime }, spec) => {
    const { id } = await runtime.run(spec('echo out; echo err >&2; exit 3'), signal);
    const { state } = await ended(runtime, id);
    assert.equal(state.state === 'exited' && state.exitCode, 3);
    assert.equal(state.state === 'exited' && state.reason, 'Error');
    const log = await text(await runtime.logs(id, { follow: true, timestamps: false }, signal));
    assert.deepEqual(log.split('\n').toSorted(), ['', 'err', 'out']);
    await runtime.remove(id);
    assert.deepEqual(await runtime.list(), []);
  });

  run('gives environment, arguments and volumes', async ({ runtime }, spec) => {
    const { podDirectory } = spec('');
    const file = `${podDirectory}-greeting`;
    await writeFile(file, 'hello\n');
    const mounts = [{ containerPath: '/greeting', readOnly: true, hostPath: file }];
    const given = { env: { COLOUR: 'blue' }, args: ['zero', 'one'], mounts, workingDir: '/' };
    const { id } = await runtime.run(spec('cat greeting; echo $COLOUR $1', given), signal);
    const log = await text(await runtime.logs(id, { follow: true, timestamps: false }, signal));
    assert.equal(log, 'hello\nblue one\n');
  });

  run('tails, limits and follows to the end', async ({ runtime }, spec) => {
    const { id } = await runtime.run(spec('for i in 1 2 3 4 5; do echo line $i; done'), signal);
    await ended(runtime, id);
    const tail = { follow: false, timestamps: false, tailLines: 2 };
    assert.equal(await text(await runtime.logs(id, tail, signal)), 'line 4\nline 5\n');
    assert.equal(await text(await runtime.logs(id, { ...tail, limitBytes: 6 }, signal)), 'line 4');
    const stamped = await text(await runtime.logs(id, { ...tail, timestamps: true }, signal));
    assert.match(stamped, /^\d{4}-\d\d-\d\dT[\d:.]+Z line 4\n/);
  });

  run('stops gracefully, and by force when that is ignored', async ({ runtime }, spec) => {
    const polite = await runtime.run(
      spec('trap "exit 0" TERM; echo up; while :; do sleep 0.1; done'),
      signal,
    );
    await upTo(runtime, polite.id, 'up');
    await runtime.stop(polite.id, 10);
    const first = await ended(runtime, polite.id);
    assert.equal(first.state.state === 'exited' && first.state.exitCode, 0);
    const stubborn = await runtime.run(
      spec('trap "" TERM; echo up; while :; do sleep 0.1; done', {
        identity: { ...polite.identity, attempt: 1 },
        logFile: `${spec('').logFile}.second`,
      }),
      signal,
    );
    await upTo(runtime, stubborn.id, 'up');
    await runtime.stop(stubborn.id, 1);
    const second = await ended(runtime, stubborn.id);
    assert.equal(second.state.state === 'exited' && second.state.exitCode, 137);
  });

  run('stops with the signal that is asked for', async ({ runtime }, spec) => {
    const script = 'trap "exit 5" QUIT; trap "" TERM; echo up; while :; do sleep 0.1; done';
    const { id } = await runtime.run(spec(script, { engine: { stopSignal: 'SIGQUIT' } }), signal);
    await upTo(runtime, id, 'up');
    await runtime.stop(id, 10);
    const { state } = await ended(runtime, id);
    assert.equal(state.state === 'exited' && state.exitCode, 5);
  });

  run('refuses a stop signal that nobody knows', async ({ runtime }, spec) => {
    const wrong = spec('true', { engine: { stopSignal: 'SIGNONSENSE' } });
    await assert.rejects(runtime.run(wrong, signal), (error) => {
      assert.ok(error instanceof StartError);
      assert.match(error.message, /SIGNONSENSE/);
      return true;
    });
    assert.deepEqual(await runtime.list(), []);
  });

  run('runs commands beside the container', async ({ runtime }, spec) => {
    const { id } = await runtime.run(spec('sleep 60', { env: { COLOUR: 'blue' } }), signal);
    const good = await runtime.exec(id, ['sh', '-c', 'echo $COLOUR; exit 4'], 5_000);
    assert.deepEqual(good, { exitCode: 4, output: 'blue\n', timedOut: false });
    assert.equal((await runtime.exec(id, ['sleep', '30'], 100)).timedOut, true);
  });

  run('finds its containers again after a restart', async (harness, spec) => {
    const { id, identity } = await harness.runtime.run(spec('sleep 60'), signal);
    const again = await harness.reopen();
    const [found, ...more] = await again.list();
    assert.deepEqual(found?.identity, identity);
    assert.equal(found.id, id);
    assert.equal(found.state.state, 'running');
    assert.equal(more.length, 0);
    await again.stop(id, 0);
    await again[Symbol.asyncDispose]();
  });

  run('refuses a program that does not exist', async ({ runtime }, spec) => {
    const missing = spec('', { command: ['no-such-program-anywhere'] });
    await assert.rejects(runtime.run(missing, signal), (error) => {
      assert.ok(error instanceof StartError);
      assert.equal(error.reason, 'RunContainerError');
      assert.match(error.message, /no-such-program-anywhere/);
      return true;
    });
    assert.deepEqual(await runtime.list(), []);
  });
}

/** Waits until the log holds the words. */
async function upTo(runtime: Runtime, id: string, words: string): Promise<void> {
  const stop = new AbortController();
  const log = await runtime.logs(id, { follow: true, timestamps: false }, stop.signal);
  for await (const chunk of log as AsyncIterable<Buffer>) if (chunk.includes(words)) break;
  stop.abort();
}
