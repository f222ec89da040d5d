// The thread of RateLoad. Most requests use connections that are kept alive, some one of their own; most are quick GETs, some send a
// body, some are answered after five seconds.
import { Agent, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import type { LoadMessage, RateLoadOptions } from './load-result.ts';

const { origin, perSecond, atLeast } = workerData as RateLoadOptions;
const { hostname, port } = new URL(origin);
/** Longer than a slow answer and a moment; nothing that works takes this long. */
const TIMEOUT_MS = 30_000;
const SLOW_EVERY = 40;
const POST_EVERY = 5;
const FRESH_EVERY = 8;

const kept = new Agent({ keepAlive: true, maxSockets: 512 });
const latencies: number[] = [];
const failures: string[] = [];
const bodies: Record<string, number> = {};
let sent = 0;
let open = 0;
let answered = 0;
let slowAnswered = 0;
let isFinishing = false;
let lastSentAt = 0;

function tell(message: LoadMessage): void {
  parentPort?.postMessage(message);
}

function send(index: number, dueAt: number): void {
  const isSlow = index % SLOW_EVERY === 0;
  const isPost = !isSlow && index % POST_EVERY === 0;
  const isFresh = index % FRESH_EVERY === 1;
  const kind = `${isPost ? 'POST' : 'GET'}${isSlow ? ' slow' : ''}${isFresh ? ' on its own connection' : ''}`;
  const body = isPost ? `body of ${index}` : '';
  sent += 1;
  open += 1;
  let isDone = false;
  const done = (problem?: string): void => {
    if (isDone) return;
    isDone = true;
    open -= 1;
    if (problem === undefined) {
      answered += 1;
      if (isSlow) slowAnswered += 1;
      else latencies.push(performance.now() - dueAt);
    } else {
      const second = ((dueAt - startedAt) / 1_000).toFixed(1);
      failures.push(`${kind} at ${second} s: ${problem}`);
    }
    if (isFinishing && open === 0 && sent >= atLeast) report();
  };
  const asked = request(
    {
      hostname,
      port,
      path: isSlow ? '/slow' : '/',
      method: isPost ? 'POST' : 'GET',
      agent: isFresh ? false : kept,
      timeout: TIMEOUT_MS,
      headers: isPost ? { 'content-length': Buffer.byteLength(body) } : {},
    },
    (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', (error) => done(error.message));
      response.on('aborted', () => done('the answer is cut'));
      response.on('end', () => {
        const [name = ''] = text.split(' ');
        bodies[name] = (bodies[name] ?? 0) + 1;
        if (response.statusCode !== 200) done(`status ${response.statusCode} ${text.trim()}`);
        else if (isPost && !text.includes(body)) done(`answer ${text.trim()}`);
        else done();
      });
    },
  );
  asked.on('timeout', () => asked.destroy(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)));
  asked.on('error', (error) => done(error.message));
  asked.end(body);
}

function report(): void {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  kept.destroy();
  tell({
    type: 'result',
    result: {
      sent,
      answered,
      failures,
      slowAnswered,
      seconds: (lastSentAt - startedAt) / 1_000,
      bodies,
      latencyMs: { p50: at(0.5), p99: at(0.99), max: at(1) },
    },
  });
}

const startedAt = performance.now();
const timer = setInterval(() => {
  const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1_000);
  const until = isFinishing ? Math.min(due, Math.max(sent, atLeast)) : due;
  while (sent < until) {
    lastSentAt = performance.now();
    send(sent, startedAt + (sent * 1_000) / perSecond);
  }
  tell({ type: 'progress', sent, failed: failures.length });
  if (isFinishing && sent >= atLeast) {
    clearInterval(timer);
    if (open === 0) report();
  }
}, 5);
parentPort?.on('message', () => (isFinishing = true));
