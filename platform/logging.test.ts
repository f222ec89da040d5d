import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, redact } from './logging.ts';

test('redact() hides fields that are named like credentials, whatever their value', () => {
  const clean = redact({ token: 'abc', Authorization: 'Bearer x', data: { a: 1 }, name: 'web' });
  assert.deepEqual(clean, {
    token: '[redacted]',
    Authorization: '[redacted]',
    data: '[redacted]',
    name: 'web',
  });
});

test('redact() writes an error as its message and its causes', () => {
  const error = new Error('Cannot open x', { cause: new Error('disk full') });
  assert.deepEqual(redact({ error }), { error: 'Cannot open x: disk full' });
});

test('redact() says once what an error and its causes say alike, and comes to an end', () => {
  const full = new Error('x is full', { cause: new Error('ENOSPC') });
  const error = new Error('not kept: x is full', {
    cause: new Error('x is full', { cause: full }),
  });
  assert.deepEqual(redact({ error }), { error: 'not kept: x is full: ENOSPC' });
  const ring = new Error('a');
  ring.cause = new Error('b', { cause: ring });
  assert.deepEqual(redact({ ring }), { ring: 'a: b' });
});

test('createLogger() writes whole lines of what is important enough to whoever takes them', () => {
  const lines: string[] = [];
  const logger = createLogger({ format: 'text', level: 'warn', write: (text) => lines.push(text) });
  logger.info('not important enough');
  logger.child({ component: 'agent' }).warn('Cannot write', { path: '/x' });
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^\S+Z warn {2}Cannot write component=agent path=\/x\n$/);
});

test('createLogger() writes JSON lines with the fields of all parents', () => {
  const lines: string[] = [];
  const logger = createLogger({
    format: 'json',
    level: 'debug',
    write: (text) => lines.push(text),
  });
  logger.child({ component: 'agent' }).child({ token: 'x' }).debug('Probed', { port: 1 });
  const { timestamp, ...line } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.match(String(timestamp), /Z$/);
  assert.deepEqual(line, {
    level: 'debug',
    message: 'Probed',
    component: 'agent',
    token: '[redacted]',
    port: 1,
  });
});
