import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { silentLogger } from '#platform/logging.ts';
import { FakeClock } from './machinery/machinery-fixture.ts';
import { ConnectionError } from './machinery/request-error.ts';
import { isOwnServer } from './server-kind.ts';

function answers(...given: readonly unknown[]): { readonly ask: () => Promise<boolean> } {
  const clock = new FakeClock();
  const left = [...given];
  const client = {
    getPath: (): Promise<unknown> => {
      const next = left.shift();
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
  };
  return {
    async ask() {
      const { signal } = new AbortController();
      const options = { client, clock, logger: silentLogger, random: () => 0 };
      const answer = isOwnServer(options, signal);
      // Once for each answer that makes it wait.
      for (const _ of given) {
        await setImmediate();
        clock.advance(15_000);
      }
      return answer;
    },
  };
}

test('a server says itself whose it is', async () => {
  assert.equal(await answers({ gitVersion: 'v1.37.0+windlass.0.1.0' }).ask(), true);
  assert.equal(await answers({ gitVersion: 'v1.34.4' }).ask(), false);
  assert.equal(await answers({ gitVersion: 'v1.33.5-gke.1' }).ask(), false);
});

test('a server that does not answer yet, or answers nonsense, is asked again', async () => {
  const away = new ConnectionError('refused');
  assert.equal(await answers(away, away, {}, { gitVersion: 'v1.34.4' }).ask(), false);
});
