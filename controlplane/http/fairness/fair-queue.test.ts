import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { FairQueue } from './fair-queue.ts';
import type { FairQueueLimits, Flow, Place } from './fair-queue.ts';

const LIMITS: FairQueueLimits = { seats: 4, seatsPerFlow: 3, lineLength: 3, waiting: 5 };

class Bench {
  readonly queue = new FairQueue(LIMITS);
  readonly seated: Flow[] = [];
  readonly said: string[] = [];

  /** `a` is seated, `a?` waits, `a!` is sent away. */
  ask(name: string, endsAt = Infinity): Place | undefined {
    const flow = this.queue.enter(name);
    if (flow !== undefined) {
      this.seated.push(flow);
      this.said.push(name);
      return undefined;
    }
    const place: Place | undefined = this.queue.wait(name, {
      endsAt,
      seated: () => {
        if (place !== undefined) this.seated.push(place.flow);
        this.said.push(name);
      },
      expired: () => this.said.push(`${name}!`),
    });
    this.said.push(place === undefined ? `${name}!` : `${name}?`);
    return place;
  }

  leave(name: string): void {
    const index = this.seated.findIndex((flow) => flow.name === name);
    const [flow] = this.seated.splice(index, 1);
    assert.ok(flow);
    this.queue.leave(flow);
  }

  /** What was said since the last time. */
  heard(): string {
    return this.said.splice(0).join(' ');
  }
}

test('FairQueue leaves a seat to others, however many one flow asks for', () => {
  const bench = new Bench();
  for (let n = 0; n < 7; n += 1) bench.ask('a');
  assert.equal(bench.heard(), 'a a a a? a? a? a!');
  bench.ask('b');
  bench.ask('b');
  bench.ask('c');
  bench.ask('d');
  assert.equal(bench.heard(), 'b b? c? d!');
  assert.deepEqual([bench.queue.seated, bench.queue.waiting], [4, 5]);
});

test('FairQueue gives free seats to the flows in turn, not in the order of arrival', () => {
  const bench = new Bench();
  for (const name of 'aaabaaabc') bench.ask(name);
  bench.heard();
  bench.leave('b');
  assert.equal(bench.heard(), 'b'); // a has all it may have
  bench.leave('a');
  assert.equal(bench.heard(), 'c');
  bench.leave('a');
  assert.equal(bench.heard(), 'a');
  bench.leave('b');
  assert.equal(bench.heard(), 'a');
});

test('FairQueue sends away whose time is over, and forgets who leaves the line', () => {
  const bench = new Bench();
  for (const name of 'aaab') bench.ask(name);
  bench.ask('a', 10);
  bench.ask('b', 20);
  const gone = bench.ask('c', 30);
  assert.ok(gone);
  bench.heard();
  bench.queue.abandon(gone);
  bench.queue.expire(9);
  assert.equal(bench.heard(), '');
  bench.queue.expire(20);
  assert.equal(bench.heard(), 'a! b!');
  assert.equal(bench.queue.waiting, 0);
  bench.queue.abandon(gone);
  bench.leave('a');
  assert.deepEqual([bench.queue.seated, bench.queue.waiting], [3, 0]);
});

test('FairQueue never gives more seats than there are, nor leaves one free that somebody may have', () => {
  const step = fc.record({
    what: fc.constantFrom('ask', 'ask', 'leave', 'abandon', 'expire'),
    flow: fc.constantFrom('a', 'b', 'c'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const bench = new Bench();
      const places: Place[] = [];
      for (const [now, { what, flow }] of steps.entries()) {
        if (what === 'ask') {
          const place = bench.ask(flow, now + 7);
          if (place !== undefined) places.push(place);
        } else if (what === 'leave') {
          if (bench.seated.some(({ name }) => name === flow)) bench.leave(flow);
        } else if (what === 'abandon') {
          const place = places.shift();
          if (place !== undefined) bench.queue.abandon(place);
        } else bench.queue.expire(now);
        const { queue } = bench;
        assert.equal(queue.seated, bench.seated.length);
        assert.ok(queue.seated <= LIMITS.seats && queue.waiting <= LIMITS.waiting);
        const waiting = new Set(
          places.filter((one) => one.flow.line.has(one)).map((one) => one.flow),
        );
        for (const one of waiting) {
          const mayHave = queue.seated < LIMITS.seats && one.seats < LIMITS.seatsPerFlow;
          assert.ok(!mayHave, `${one.name} waits though there is a seat`);
        }
        const lines = [...waiting].reduce((sum, one) => sum + one.line.size, 0);
        assert.equal(queue.waiting, lines);
      }
    }),
  );
});
