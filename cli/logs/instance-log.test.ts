import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatLogLine, LogPosition, mergeLogs, parseLogLine, timeKey } from './log-lines.ts';
import { followLog, readLog, refusalOf } from './instance-log.ts';
import type { LogClient } from './instance-log.ts';
import { chosenPods } from './service-logs.ts';
import { systemClock } from '#platform/clock.ts';
import { RequestError } from '#controllers/machinery/request-error.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';

const T = '2026-01-01T00:00:0';

test('parseLogLine() takes the time off, and leaves a line without one as it is', () => {
  const line = { source: 'a', time: `${T}1.5Z`, text: 'x  y ' };
  assert.deepEqual(parseLogLine('a', `${T}1.5Z x  y `), line);
  assert.deepEqual(parseLogLine('a', 'bare'), { source: 'a', time: '', text: 'bare' });
  assert.equal(parseLogLine('a', `${T}1Z `).text, '');
});

test('timeKey() orders fractions of different length', () => {
  const times = [`${T}1Z`, `${T}1.05Z`, `${T}1.1Z`, `${T}1.10001Z`, `${T}2Z`];
  assert.deepEqual(
    times.toReversed().toSorted((a, b) => (timeKey(a) < timeKey(b) ? -1 : 1)),
    times,
  );
});

test('mergeLogs() goes by time, and keeps a trace behind the line that it belongs to', () => {
  const a = [`${T}1Z a1`, '  at trace', `${T}4Z a4`].map((line) => parseLogLine('a', line));
  const b = [`${T}2Z b2`, `${T}3Z b3`].map((line) => parseLogLine('b', line));
  const merged = mergeLogs([a, b]).map(({ text }) => text);
  assert.deepEqual(merged, ['a1', '  at trace', 'b2', 'b3', 'a4']);
});

test('formatLogLine() pads the prefix and shows the time where it is asked for', () => {
  const line = parseLogLine('web-a', `${T}1Z hello`);
  assert.equal(formatLogLine(line, { width: 7, timestamps: false }), 'web-a   | hello\n');
  assert.equal(formatLogLine(line, { width: 5, timestamps: true }), `web-a | ${T}1Z hello\n`);
});

test('LogPosition tells what came again from what is new, lines of one moment too', () => {
  const position = new LogPosition();
  const accepted = (...lines: readonly string[]): readonly string[] => {
    position.rewind();
    return lines.filter((line) => position.accept(parseLogLine('a', line)));
  };
  assert.deepEqual(accepted(`${T}1Z a`, `${T}2Z b`, `${T}2Z b`).length, 3);
  const again = [`${T}1Z a`, `${T}2Z b`, `${T}2Z b`];
  assert.deepEqual(accepted(...again, `${T}2Z c`, `${T}3Z d`), [`${T}2Z c`, `${T}3Z d`]);
  assert.equal(position.time, `${T}3Z`);
});

const SOURCE = { namespace: 'default', pod: 'web-a', container: 'c', label: 'web-a' };

/** Answers log requests from a list, one after another; a RequestError is thrown. */
function clientOf(answers: readonly (readonly string[] | RequestError)[]): {
  readonly client: LogClient;
  readonly paths: string[];
} {
  const paths: string[] = [];
  const next = (path: string): readonly string[] => {
    const answer = answers[paths.length] ?? [];
    paths.push(path);
    if (answer instanceof RequestError) throw answer;
    return answer;
  };
  async function* streamText(path: string): AsyncGenerator<string> {
    yield* next(path);
  }
  // A refusal rejects, as that of the real one.
  const getText = async (path: string): Promise<string> => {
    await Promise.resolve();
    return next(path).join('');
  };
  return { client: { getText, streamText } as unknown as LogClient, paths };
}

test('readLog() asks for what it is told, and reads the last line without a newline too', async () => {
  const { client, paths } = clientOf([[`${T}1Z a\n${T}2Z b`]]);
  const range = { tailLines: 5, sinceSeconds: 60 };
  const lines = await readLog(client, SOURCE, range, new AbortController().signal);
  assert.deepEqual(
    lines.map(({ text }) => text),
    ['a', 'b'],
  );
  const path = '/api/v1/namespaces/default/pods/web-a/log';
  assert.deepEqual(paths, [`${path}?container=c&timestamps=true&tailLines=5&sinceSeconds=60`]);
});

test('followLog() reads on after a break where it was, and tells no line twice', async () => {
  const refused = new RequestError(400, 'BadRequest', 'container c is waiting to start');
  const { client, paths } = clientOf([
    refused,
    [`${T}1Z a\n${T}2`, `Z b\n${T}3Z half`],
    [`${T}3Z half\n`, `${T}4Z d\n`],
  ]);
  const stop = new AbortController();
  const told: string[] = [];
  // No waiting: what is scheduled comes at once.
  const clock = {
    ...systemClock,
    schedule: (_delay: number, callback: () => void): (() => void) => {
      queueMicrotask(callback);
      return () => undefined;
    },
  };
  await followLog(
    {
      client,
      clock,
      source: SOURCE,
      position: new LogPosition(),
      tell: ({ text }) => {
        told.push(text);
        if (text === 'd') stop.abort(new Error('enough'));
      },
    },
    stop.signal,
  );
  assert.deepEqual(told, ['a', 'b', 'half', 'd']);
  assert.match(paths[2] ?? '', /sinceTime=2026-01-01T00%3A00%3A03Z/);
});

test('refusalOf() is about what the server said only', () => {
  assert.equal(refusalOf(new RequestError(400, '', 'not yet')), 'not yet');
  assert.equal(refusalOf(new Error('a defect')), undefined);
});

test('chosenPods() takes whole names and ends of names, and says which there are', () => {
  const pods = ['web-b', 'web-a'].map((name) => ({ metadata: { name } }) as ApiObject);
  const chosen = (...instances: readonly string[]): readonly string[] =>
    chosenPods(pods, { service: 'web', namespace: 'default', instances }).map(
      ({ metadata }) => metadata.name,
    );
  assert.deepEqual(chosen(), ['web-a', 'web-b']);
  assert.deepEqual(chosen('b'), ['web-b']);
  assert.deepEqual(chosen('web-a', 'b'), ['web-a', 'web-b']);
  assert.throws(
    () => chosen('c'),
    /service web has no instance c in namespace default: it has web-b, web-a/,
  );
});
