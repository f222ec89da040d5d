import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Clock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { SupervisedThread } from './supervised-thread.ts';
import type { FromThread, ThreadData } from './thread-messages.ts';

/** Waits are over at once, and are noted. */
function hastyClock(): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    now: () => 0,
    monotonic: () => 0,
    schedule(delayMs, callback) {
      waits.push(delayMs);
      const immediate = setImmediate(callback);
      return () => clearImmediate(immediate);
    },
  };
}

/** Clock whose timers never fire. */
const stillClock: Clock = { now: () => 0, monotonic: () => 0, schedule: () => () => undefined };

interface Started {
  readonly thread: SupervisedThread;
  readonly folder: string;
  /** Resolves when a message of that text was said. */
  readonly said: (text: string) => Promise<void>;
}

/** @param body JavaScript in which `port` is the message port and `folder` a folder of the test */
function threadOf(clock: Clock, body: string, manifests?: ThreadData['manifests']): Started {
  const folder = tempDir();
  const script = join(folder, 'thread.mjs');
  writeFileSync(
    script,
    `import { parentPort as port } from 'node:worker_threads';
     import { existsSync, readFileSync, writeFileSync } from 'node:fs';
     const folder = import.meta.dirname;
     const say = (text) => port.postMessage({ type: 'say', text });
     const started = () => port.postMessage({ type: 'started' });
     ${body}`,
  );
  const waiting = new Map<string, () => void>();
  const heard = new Set<string>();
  const thread = new SupervisedThread({
    script: pathToFileURL(script),
    data: { logFormat: 'text', logLevel: 'error', ...(manifests && { manifests }) },
    clock,
    logger: silentLogger,
    onMessage: (message: FromThread) => {
      if (message.type !== 'say') return;
      heard.add(message.text);
      waiting.get(message.text)?.();
    },
  });
  const said = (text: string): Promise<void> =>
    heard.has(text) ? Promise.resolve() : new Promise((resolve) => waiting.set(text, resolve));
  return { thread, folder, said };
}

const STOPS = `port.on('message', (message) => {
  if (message.type === 'stop') {
    writeFileSync(folder + '/stopped', String(message.stopContainers));
    port.postMessage({ type: 'stopped' });
  }
});`;

test('SupervisedThread starts, and stop() waits until the thread has stopped its parts', async () => {
  // A thread that holds something open is ended once it has said that it stopped.
  const { thread, folder } = threadOf(stillClock, `${STOPS} setInterval(() => 0, 1e6); started();`);
  await thread.start();
  await thread.stop(true);
  assert.ok(existsSync(join(folder, 'stopped')));
});

test('SupervisedThread starts a crashed thread again, later each time', async () => {
  const clock = hastyClock();
  const { thread, said } = threadOf(
    clock,
    `${STOPS}
     const run = ['1', '2', '3'].find((n) => !existsSync(folder + '/' + n));
     writeFileSync(folder + '/' + run, '');
     started();
     if (run === '3') say('third'); else setImmediate(() => { throw new Error('crash'); });`,
  );
  await thread.start();
  await said('third');
  assert.deepEqual(clock.waits, [1000, 2000]);
  await thread.stop(false);
});

test('SupervisedThread rejects when the thread cannot start at all, and does not try again', async () => {
  const clock = hastyClock();
  const { thread } = threadOf(clock, `port.postMessage({ type: 'failed', message: 'no engine' });`);
  await assert.rejects(thread.start(), /^Error: no engine$/);
  assert.deepEqual(clock.waits, []);
  await thread.stop(false);
});

test('SupervisedThread asks for metrics, and goes without when there is no answer', async () => {
  const answering = threadOf(
    stillClock,
    `${STOPS} started();
     port.on('message', ({ type, id }) => {
       if (type === 'metrics') port.postMessage({ type, id, text: 'up 1\\n' });
     });`,
  );
  assert.equal(await answering.thread.metrics(), '');
  await answering.thread.start();
  assert.equal(await answering.thread.metrics(), 'up 1\n');
  await answering.thread.stop(false);
  const silent = threadOf(hastyClock(), `${STOPS} started();`);
  await silent.thread.start();
  assert.equal(await silent.thread.metrics(), '');
  await silent.thread.stop(false);
});

test('SupervisedThread.restart stops the thread and starts it at once, without applying manifests again', async () => {
  const clock = hastyClock();
  const { thread, folder, said } = threadOf(
    clock,
    `import { workerData } from 'node:worker_threads';
     ${STOPS} setInterval(() => 0, 1e6);
     started();
     say(existsSync(folder + '/stopped') ? 'again ' + workerData.manifests.isApplied : 'first');`,
    { paths: [], kubeconfig: '' },
  );
  await thread.start();
  await said('first');
  await thread.restart();
  await said('again true');
  assert.equal(readFileSync(join(folder, 'stopped'), 'utf8'), 'false');
  assert.deepEqual(clock.waits, []);
  await thread.stop(false);
});
