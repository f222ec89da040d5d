import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#platform/clock.ts';
import { RegistryError } from './registry-error.ts';
import { isTransient, persistently } from './try-again.ts';

const coded = (code: string): Error =>
  new RegistryError('unreachable', 'cannot reach r.test', Object.assign(new Error(code), { code }));
const answered = (status: number): Error =>
  new RegistryError('refused', `registry r.test: it answers ${status}`);

test('DNS, refused and busy are tried again; TLS, cancelled and missing are not [unbounded-076]', () => {
  for (const code of ['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET'])
    assert.equal(isTransient(coded(code)), true, code);
  for (const status of [503, 429, 408])
    assert.equal(isTransient(answered(status)), true, String(status));
  for (const code of [
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ])
    assert.equal(isTransient(coded(code)), false, code);
  assert.equal(isTransient(answered(404)), false);
  assert.equal(isTransient(new RegistryError('missing', 'registry x: there is none')), false);
  assert.equal(isTransient(new DOMException('aborted', 'AbortError')), false);
});

test('five tries, 2 to 16 seconds apart [unbounded-076]', async () => {
  const waits: number[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    schedule(delayMs, callback) {
      waits.push(delayMs);
      queueMicrotask(callback);
      return () => undefined;
    },
  };
  const { signal } = new AbortController();
  let tries = 0;
  const busy = async (): Promise<never> => {
    tries += 1;
    throw answered(503);
  };
  await assert.rejects(persistently(clock, signal, busy), /answers 503/);
  assert.equal(tries, 5);
  assert.deepEqual(waits, [2000, 4000, 8000, 16_000]);
  const missing = async (): Promise<never> => {
    tries += 1;
    throw answered(404);
  };
  await assert.rejects(persistently(clock, signal, missing), /answers 404/);
  assert.equal(tries, 6);
});
