import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { silentLogger } from '#platform/logging.ts';
import type { ApiObject, ApiResource, Client } from './client-types.ts';
import { lead, leaderElectionProblem } from './leader-election.ts';
import type { LeaderElectionSettings } from './leader-election.ts';
import type { LeaderLease, LeaderRecord } from './leader-record.ts';
import { FakeClock } from './machinery-fixture.ts';
import { RequestError } from './request-error.ts';

const SETTINGS: LeaderElectionSettings = {
  namespace: 'kube-system',
  name: 'windlass-controllers',
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
};

/** One Lease, as a server keeps it. */
class LeaseServer implements Pick<Client, 'get' | 'create' | 'update'> {
  lease: LeaderLease | undefined;
  /** Whose requests never get an answer. */
  readonly away = new Set<string>();
  #version = 0;

  as(identity: string): Pick<Client, 'get' | 'create' | 'update'> {
    const through = async <T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> => {
      if (this.away.has(identity)) await aborted(signal);
      return act();
    };
    return {
      get: (resource, namespace, name, signal) =>
        through(signal, () => this.get(resource, namespace, name)),
      create: (resource, namespace, object, signal) =>
        through(signal, () => this.create(resource, namespace, object)),
      update: (resource, object, _subresource, signal) =>
        through(signal, () => this.update(resource, object)),
    };
  }

  get<T extends ApiObject>(_resource: ApiResource, _namespace: string, _name: string): Promise<T> {
    if (this.lease === undefined)
      return Promise.reject(new RequestError(404, 'NotFound', 'no such Lease'));
    return Promise.resolve(this.lease as unknown as T);
  }

  create<T extends ApiObject>(
    _resource: ApiResource,
    _namespace: string,
    object: object,
  ): Promise<T> {
    if (this.lease !== undefined)
      return Promise.reject(new RequestError(409, 'AlreadyExists', 'it is there'));
    return Promise.resolve(this.#store(object as LeaderLease) as unknown as T);
  }

  update<T extends ApiObject>(_resource: ApiResource, object: T): Promise<T> {
    if (this.lease === undefined)
      return Promise.reject(new RequestError(404, 'NotFound', 'no such Lease'));
    if (object.metadata.resourceVersion !== this.lease.metadata.resourceVersion)
      return Promise.reject(new RequestError(409, 'Conflict', 'it was changed'));
    return Promise.resolve(this.#store(object) as unknown as T);
  }

  remove(): void {
    this.lease = undefined;
  }

  #store(object: LeaderLease): LeaderLease {
    this.#version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.#version) };
    this.lease = structuredClone({ ...object, metadata });
    return this.lease;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

interface Candidate {
  readonly stop: () => void;
  /** Whether it works now. */
  readonly works: () => boolean;
  /** Lets its work end, which it does not by itself when told to stop. */
  readonly finish: () => void;
  readonly ended: Promise<string>;
}

class Contest {
  readonly server = new LeaseServer();
  readonly clock = new FakeClock();
  mostWorking = 0;
  #working = 0;

  candidate(identity: string, { lingers = false } = {}): Candidate {
    const stopping = new AbortController();
    const finishing = Promise.withResolvers<void>();
    let works = false;
    const work = async (signal: AbortSignal): Promise<void> => {
      works = true;
      this.#working += 1;
      this.mostWorking = Math.max(this.mostWorking, this.#working);
      await aborted(signal).catch(() => undefined);
      if (lingers) await finishing.promise;
      this.#working -= 1;
      works = false;
    };
    const client = this.server.as(identity);
    const { clock } = this;
    const logger = silentLogger;
    const ended = lead(
      { ...SETTINGS, client, clock, logger, random: () => 0.5, identity },
      work,
      stopping.signal,
    ).then(
      () => 'stopped',
      (error: unknown) => (error as Error).message,
    );
    return {
      stop: () => stopping.abort(new Error('stop')),
      works: () => works,
      finish: () => finishing.resolve(),
      ended,
    };
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left >= 0; left -= 500) {
      await setImmediate();
      await setImmediate();
      if (left > 0) this.clock.advance(Math.min(500, left));
    }
    await setImmediate();
    await setImmediate();
  }

  get record(): LeaderRecord {
    return this.server.lease?.spec ?? {};
  }
}

test('one of two leads and renews; when it stops, the other leads at its next attempt', async () => {
  const contest = new Contest();
  const a = contest.candidate('a');
  await contest.pass(0);
  const b = contest.candidate('b');
  await contest.pass(60_000);
  assert.deepEqual([a.works(), b.works()], [true, false]);
  assert.deepEqual(contest.record, {
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    acquireTime: '1970-01-01T00:00:00.000000Z',
    renewTime: '1970-01-01T00:01:00.000000Z',
    leaseTransitions: 0,
  });
  a.stop();
  await contest.pass(0);
  assert.equal(await a.ended, 'stopped');
  assert.equal(contest.record.holderIdentity, '');
  assert.equal(contest.record.leaseDurationSeconds, 1);
  await contest.pass(3_000);
  assert.equal(b.works(), true);
  assert.equal(contest.record.holderIdentity, 'b');
  assert.equal(contest.record.leaseTransitions, 1);
  assert.equal(contest.mostWorking, 1);
});

test('a leader that cannot reach the server stops before anybody may take over', async () => {
  const contest = new Contest();
  const a = contest.candidate('a');
  await contest.pass(0);
  const b = contest.candidate('b');
  await contest.pass(5_000);
  contest.server.away.add('a');
  await contest.pass(9_000);
  assert.equal(b.works(), false);
  await contest.pass(1_000);
  assert.equal(a.works(), false);
  await contest.pass(8_000);
  assert.match(await a.ended, /Lost the Lease .*not renewed within 10 s/);
  assert.equal(b.works(), true);
  assert.equal(contest.mostWorking, 1);
});

test('whoever was cut off for less than the deadline goes on leading', async () => {
  const contest = new Contest();
  const a = contest.candidate('a');
  await contest.pass(3_000);
  contest.server.away.add('a');
  await contest.pass(4_000);
  contest.server.away.delete('a');
  await contest.pass(30_000);
  assert.equal(a.works(), true);
});

test('the lead is kept until the work has ended, and only then given back', async () => {
  const contest = new Contest();
  const a = contest.candidate('a', { lingers: true });
  const b = contest.candidate('b');
  await contest.pass(2_000);
  assert.equal(a.works(), true);
  a.stop();
  await contest.pass(60_000);
  assert.deepEqual([a.works(), b.works()], [true, false]);
  a.finish();
  await contest.pass(3_000);
  assert.equal(await a.ended, 'stopped');
  assert.equal(b.works(), true);
  assert.equal(contest.mostWorking, 1);
});

test('a leader stops when somebody took the Lease, and makes it anew when somebody deleted it', async () => {
  const contest = new Contest();
  const a = contest.candidate('a');
  await contest.pass(3_000);
  contest.server.remove();
  await contest.pass(5_000);
  assert.equal(a.works(), true);
  assert.equal(contest.record.holderIdentity, 'a');
  const { lease } = contest.server;
  assert.ok(lease !== undefined);
  await contest.server.update({} as ApiResource, {
    ...lease,
    spec: { ...lease.spec, holderIdentity: 'thief', renewTime: '2026-01-01T00:00:00.000000Z' },
  });
  await contest.pass(5_000);
  assert.match(await a.ended, /thief leads now/);
  assert.equal(contest.record.holderIdentity, 'thief');
});

test('the Lease of a leader that died is taken after its duration, by this clock', async () => {
  const contest = new Contest();
  const dead: LeaderRecord = {
    holderIdentity: 'dead',
    leaseDurationSeconds: 15,
    // Its clock was far ahead, which must not matter.
    acquireTime: '2099-01-01T00:00:00.000000Z',
    renewTime: '2099-01-01T00:00:00.000000Z',
    leaseTransitions: 4,
  };
  const metadata = { name: SETTINGS.name, namespace: SETTINGS.namespace };
  await contest.server.create({} as ApiResource, '', { metadata, spec: dead });
  const a = contest.candidate('a');
  await contest.pass(14_000);
  assert.equal(a.works(), false);
  await contest.pass(4_000);
  assert.equal(a.works(), true);
  assert.equal(contest.record.leaseTransitions, 5);
});

test('times that would let two lead at once are refused', () => {
  assert.equal(leaderElectionProblem(SETTINGS), undefined);
  const problem = (change: Partial<LeaderElectionSettings>): string =>
    leaderElectionProblem({ ...SETTINGS, ...change }) ?? '';
  assert.match(problem({ renewDeadlineMs: 15_000 }), /longer than the renew deadline/);
  assert.match(problem({ retryPeriodMs: 9_000 }), /longer than 1.2 times/);
  assert.match(problem({ retryPeriodMs: 0 }), /longer than 0 s/);
  assert.match(problem({ leaseDurationMs: 500 }), /at least 1 s/);
});
