import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MachineId } from '../machine-id.ts';
import { FakeClock, settled } from './fake-clock-fixture.ts';
import { EXPIRY_MS, Holding, RENEWAL_MS } from './holding.ts';
import { disks, managed, MemoryProvider } from './memory-disks-fixture.ts';

/** One place that several machines can open. */
class Shared {
  text: string | undefined;
  isDown = false;
  readonly instance = managed(
    Object.assign(new MemoryProvider(disks('nfs-1')), {
      holders: {
        read: () => this.#answer(() => (this.text === undefined ? undefined : { text: this.text })),
        write: (_instance: string, text: string) =>
          this.#answer(() => {
            this.text = text;
          }),
      },
    }),
    'nfs-1',
  );

  holding(clock: FakeClock, name: string, said: string[] = [], home?: string): Holding {
    return new Holding({
      instances: [this.instance],
      machineId: name.repeat(32).slice(0, 32) as MachineId,
      host: `host-${name}`,
      run: `run-${name}`,
      ...(home === undefined ? {} : { home }),
      clock,
      waiting: (text) => said.push(text),
    });
  }

  #answer<T>(work: () => T): Promise<T> {
    return this.isDown ? Promise.reject(new Error('it does not answer')) : Promise.resolve(work());
  }
}

const { signal } = new AbortController();

/** Whether somebody could go on, looked at whenever asked. */
function waiting(holding: Holding, until = signal): () => boolean {
  let isFree = false;
  void holding.waitUntilFree(until).then(() => (isFree = true));
  return () => isFree;
}

test('what nobody holds is free, and so is what cannot be looked at', async () => {
  const clock = new FakeClock();
  const shared = new Shared();
  await shared.holding(clock, 'a').waitUntilFree(signal);
  shared.isDown = true;
  await shared.holding(clock, 'a').waitUntilFree(signal);
});

test('a standby waits while the note is renewed, says so once, and goes on when it is released', async () => {
  const clock = new FakeClock();
  const shared = new Shared();
  const holder = shared.holding(clock, 'a');
  holder.keep();
  await settled();
  const said: string[] = [];
  const isFree = waiting(shared.holding(clock, 'b', said));
  await clock.advance(10 * EXPIRY_MS);
  assert.equal(isFree(), false);
  assert.equal(said.length, 1);
  assert.match(said[0] ?? '', /standby: memory:nfs-1 is held by .* host-a.*--takeover/);
  await holder.release(false);
  await clock.advance(RENEWAL_MS);
  assert.equal(isFree(), true);
});

test('a note that is not renewed any more expires, whatever the clocks of others say', async () => {
  const clock = new FakeClock();
  const shared = new Shared();
  const holder = shared.holding(clock, 'a');
  holder.keep();
  await settled();
  const isFree = waiting(shared.holding(clock, 'b'));
  await clock.advance(2 * RENEWAL_MS);
  const { text } = shared;
  void holder.release(true);
  assert.equal(shared.text, text, 'who has lost its epoch leaves the note alone');
  await clock.advance(EXPIRY_MS - RENEWAL_MS);
  assert.equal(isFree(), false);
  await clock.advance(2 * RENEWAL_MS);
  assert.equal(isFree(), true);
});

test('the same machine starts again at once after it was killed', async () => {
  const clock = new FakeClock();
  const shared = new Shared();
  shared.holding(clock, 'a').keep();
  await settled();
  await shared.holding(clock, 'a').waitUntilFree(signal);
});

test('a copy of its data directory is another: it waits, and says why', async () => {
  const clock = new FakeClock();
  const shared = new Shared();
  const holder = shared.holding(clock, 'a', [], 'home-1');
  holder.keep();
  await settled();
  await shared.holding(clock, 'a', [], 'home-1').waitUntilFree(signal);
  const said: string[] = [];
  const isFree = waiting(shared.holding(clock, 'a', said, 'home-2'));
  await clock.advance(10 * EXPIRY_MS);
  assert.equal(isFree(), false);
  assert.match(
    said.join(),
    /^standby: .* on host-a, of whose data directory this one has a copy; /,
  );
  await holder.release(false);
  await clock.advance(RENEWAL_MS);
  assert.equal(isFree(), true);
});

test('a note of an earlier release, which says nothing of directories, is its own', async () => {
  const clock = new FakeClock();
  const shared = new Shared();
  shared.holding(clock, 'a').keep();
  await settled();
  await shared.holding(clock, 'a', [], 'home-1').waitUntilFree(signal);
});

test('a standby can be stopped', async () => {
  const clock = new FakeClock();
  const shared = new Shared();
  shared.holding(clock, 'a').keep();
  await settled();
  const stop = new AbortController();
  const standing = shared.holding(clock, 'b').waitUntilFree(stop.signal);
  await settled();
  stop.abort(new Error('Ctrl-C'));
  await assert.rejects(standing, /Ctrl-C/);
});

test('a note that is no note holds nothing', async () => {
  const clock = new FakeClock();
  const shared = new Shared();
  for (const text of ['', 'null', '[]', '{"isHeld":true}', '{"machine":1,"isHeld":true}']) {
    shared.text = text;
    await shared.holding(clock, 'b').waitUntilFree(signal);
  }
});
