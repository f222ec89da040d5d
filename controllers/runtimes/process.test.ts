import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { silentLogger } from '#platform/logging.ts';
import { PLAIN, runtimeConformance, sandboxSpec } from './conformance.ts';
import { markedProcesses } from './process-table.ts';
import { ProcessRuntime } from './process.ts';

const signal = new AbortController().signal;

async function open(folder: string): Promise<ProcessRuntime> {
  const runtime = new ProcessRuntime({
    directory: join(folder, 'records'),
    environment: { PATH: process.env['PATH'], SECRET_OF_OURS: 'x' },
    clock: systemClock,
    ids: systemIds,
    logger: silentLogger,
  });
  await runtime.start(signal);
  return runtime;
}

runtimeConformance({
  test,
  name: 'process',
  image: 'ignored',
  async open(folder) {
    const runtime = await open(folder);
    const reopen = async (): Promise<ProcessRuntime> => {
      await runtime[Symbol.asyncDispose]();
      return open(folder);
    };
    return { runtime, reopen };
  },
});

// The child starts a process and is killed at a given moment; whatever the moment, the next start knows or ends what it left.
const AGENT = `
import { ProcessRuntime } from ${JSON.stringify(join(import.meta.dirname, 'process.ts'))};
import { ProcessRecords } from ${JSON.stringify(join(import.meta.dirname, 'process-record.ts'))};
import { systemClock } from ${JSON.stringify(join(import.meta.dirname, '../../platform/clock.ts'))};
import { systemIds } from ${JSON.stringify(join(import.meta.dirname, '../../platform/id.ts'))};
import { silentLogger } from ${JSON.stringify(join(import.meta.dirname, '../../platform/logging.ts'))};
const [folder, moment] = process.argv.slice(1);
let writes = 0;
const write = ProcessRecords.prototype.write;
ProcessRecords.prototype.write = function (record) {
  writes += 1;
  if (moment === 'before-note' && writes === 2) process.kill(process.pid, 'SIGKILL');
  write.call(this, record);
  if (moment === 'after-intent' && writes === 1) process.kill(process.pid, 'SIGKILL');
  if (moment === 'after-note' && writes === 2) process.kill(process.pid, 'SIGKILL');
};
const runtime = new ProcessRuntime({ directory: folder + '/records', environment: { PATH: process.env.PATH }, clock: systemClock, ids: systemIds, logger: silentLogger });
await runtime.start(AbortSignal.timeout(5000));
await runtime.run({
  sandbox: { spec: { dns: { servers: [], searches: [], options: [] } }, ips: [] },
  identity: { namespace: 'default', pod: 'web', podUID: 'u1', container: 'main', attempt: 0 },
  image: '', command: ['sleep', '60'], args: [], env: {}, ports: [], mounts: [], imagePullPolicy: 'Never',
  podDirectory: folder + '/pod', logFile: folder + '/main.log', engine: {},
}, AbortSignal.timeout(5000));
`;

for (const { moment, state } of [
  { moment: 'after-intent', state: 'exited' },
  { moment: 'before-note', state: 'running' },
  { moment: 'after-note', state: 'running' },
]) {
  test(`process runtime knows what a killed agent left: ${moment}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'windlass-kill-'));
    try {
      const args = ['--input-type=module', '-e', AGENT, folder, moment];
      const agent = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      const [, killedBy] = (await once(agent, 'exit')) as [number | null, string | null];
      assert.equal(killedBy, 'SIGKILL');
      const runtime = await open(folder);
      const [status] = await runtime.list();
      assert.equal(status?.state.state, state);
      if (status.state.state === 'exited') assert.equal(status.state.exitCode, undefined);
      await runtime.stop(status.id, 5);
      const [after] = await runtime.list();
      // Nobody saw how it ended: never 0.
      assert.equal(after?.state.state === 'exited' && after.state.reason, 'ContainerStatusUnknown');
      assert.equal(after?.state.state === 'exited' && after.state.exitCode, undefined);
      assert.equal((await markedProcesses()).has(status.id.slice('process://'.length)), false);
      await runtime.remove(status.id);
      assert.deepEqual(await readdir(join(folder, 'records')), []);
      await runtime[Symbol.asyncDispose]();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

test('process runtime passes on nothing of our environment but the few it names', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-env-'));
  try {
    const runtime = await open(folder);
    const pod = { namespace: 'default', pod: 'web', podUID: 'u1' };
    const { id } = await runtime.run(
      {
        sandbox: await runtime.preparePod(sandboxSpec(pod)),
        identity: { ...pod, container: 'main', attempt: 0 },
        image: '',
        command: ['env'],
        args: [],
        env: { OWN: '1' },
        ports: [],
        mounts: [],
        imagePullPolicy: 'Never',
        podDirectory: join(folder, 'pod'),
        logFile: join(folder, 'main.log'),
        ...PLAIN,
      },
      signal,
    );
    let log = '';
    const stream = await runtime.logs(id, { follow: true, timestamps: false }, signal);
    for await (const chunk of stream as AsyncIterable<Buffer>) log += chunk.toString('utf8');
    const names = log.split('\n').flatMap((line) => (line === '' ? [] : [line.split('=')[0]]));
    assert.deepEqual(new Set(names), new Set(['OWN', 'PATH', 'WINDLASS_CONTAINER_ID']));
    await runtime[Symbol.asyncDispose]();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
