// Tests of the Docker runtime against a real Engine: each gets a runtime of its own, a Pod, and an end that cleans up.
import { execFile } from 'node:child_process';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { silentLogger } from '#platform/logging.ts';
import { PLAIN, sandboxSpec } from './conformance.ts';
import { missingForEngine, startEngine, TEST_IMAGE } from './docker-engine.test-support.ts';
import type { EngineSettings } from './docker-engine.test-support.ts';
import { DockerRuntime } from './docker.ts';
import type { ContainerSpec, ContainerStatus, PodSandbox, PodSandboxSpec } from './runtime.ts';

const execFileText = promisify(execFile);
const { signal } = new AbortController();

export async function openDocker(host: string, owner: string): Promise<DockerRuntime> {
  const parts = { clock: systemClock, ids: systemIds, logger: silentLogger };
  const runtime = new DockerRuntime({ owner, host, ...parts });
  await runtime.start(signal);
  return runtime;
}

export interface DockerTestContext {
  readonly runtime: DockerRuntime;
  readonly host: string;
  readonly owner: string;
  readonly podUID: string;
  readonly sandbox: (more?: Partial<PodSandboxSpec>) => Promise<PodSandbox>;
  /** Of a container of the Pod. */
  readonly identity: (container: string, attempt?: number) => ContainerSpec['identity'];
  /** Runs a shell script in a container of the Pod. */
  readonly run: (script: string, more?: Partial<ContainerSpec>) => Promise<ContainerStatus>;
  /** Its whole log, once it has ended. */
  readonly output: (status: ContainerStatus) => Promise<string>;
  /** The command line, for a look from outside. */
  readonly docker: (...args: readonly string[]) => Promise<string>;
}

export type DockerTest = (
  title: string,
  body: (context: DockerTestContext) => Promise<void>,
) => void;

/** What declares tests on one Engine for this file; where none can be had they are skipped by name, and fail in CI. */
export async function dockerTests(
  settings: EngineSettings = {},
  alsoMissing?: string,
): Promise<DockerTest> {
  const missing = (await missingForEngine()) ?? alsoMissing;
  if (missing !== undefined) {
    const skip = process.env['CI'] === 'true' ? false : missing;
    return (title) => {
      test(`docker runtime ${title}`, { skip }, () => {
        throw new Error(`no Docker Engine can be started here: ${missing}`);
      });
    };
  }
  const engine = await startEngine(settings);
  after(() => engine.close());
  let count = 0;
  return (title, body) => {
    test(`docker runtime ${title}`, async () => {
      count += 1;
      await withRuntime(engine.host, count, body);
    });
  };
}

async function withRuntime(
  host: string,
  count: number,
  body: (context: DockerTestContext) => Promise<void>,
): Promise<void> {
  const owner = `owner-${count}`;
  const pod = { namespace: 'default', pod: 'web', podUID: `pod-${count}` };
  const runtime = await openDocker(host, owner);
  const sandbox: DockerTestContext['sandbox'] = (more) =>
    runtime.preparePod(sandboxSpec(pod, more), signal);
  const context: DockerTestContext = {
    runtime,
    host,
    owner,
    podUID: pod.podUID,
    sandbox,
    identity: (container, attempt = 0) => ({ ...pod, container, attempt }),
    run: async (script, more = {}) =>
      runtime.run(
        {
          sandbox: more.sandbox ?? (await sandbox()),
          identity: { ...pod, container: 'main', attempt: 0 },
          image: TEST_IMAGE,
          command: ['sh', '-c', script],
          args: [],
          env: {},
          ports: [],
          mounts: [],
          imagePullPolicy: 'Never',
          podDirectory: '/nonexistent',
          logFile: '/nonexistent',
          ...PLAIN,
          ...more,
        },
        signal,
      ),
    output: async ({ id }) => {
      const log = await runtime.logs(id, { follow: true, timestamps: false }, signal);
      const parts: Buffer[] = [];
      for await (const chunk of log as AsyncIterable<Buffer>) parts.push(chunk);
      return Buffer.concat(parts).toString('utf8');
    },
    docker: async (...args) => (await execFileText('docker', ['-H', host, ...args])).stdout.trim(),
  };
  try {
    await body(context);
  } finally {
    for (const { id } of await runtime.list()) {
      await runtime.stop(id, 0);
      await runtime.remove(id);
    }
    for (const uid of await runtime.pods()) await runtime.removePod(uid);
    await runtime[Symbol.asyncDispose]();
  }
}
