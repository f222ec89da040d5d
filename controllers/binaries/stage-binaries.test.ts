// Staging over many hosts: who is selected, caches first and once, limits as windows, cleaning up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BinaryCacher, BinaryProvider } from './binary-provider.ts';
import { hostsToStage, stageBinaries, StagingError } from './stage-binaries.ts';

const { signal } = new AbortController();

interface Behaviour {
  readonly isNeeded?: boolean;
  readonly isUpload?: boolean;
  readonly stage?: (signal: AbortSignal) => Promise<string | undefined>;
}

class Recorded implements BinaryProvider {
  readonly calls: string[] = [];
  readonly #behaviour: Behaviour;

  constructor(behaviour: Behaviour = {}) {
    this.#behaviour = behaviour;
  }

  async needsUpgrade(): Promise<boolean> {
    return this.#behaviour.isNeeded ?? true;
  }

  isUpload(): boolean {
    return this.#behaviour.isUpload ?? false;
  }

  async stage(inner: AbortSignal): Promise<string | undefined> {
    this.calls.push('stage');
    return this.#behaviour.stage === undefined ? '/tmp/k0s-stage' : this.#behaviour.stage(inner);
  }

  async cleanUp(): Promise<void> {
    this.calls.push('cleanUp');
  }
}

class RecordedCacher extends Recorded implements BinaryCacher {
  readonly #key: string;
  readonly #fill: () => Promise<void>;

  constructor(key: string, fill: () => Promise<void> = async () => undefined) {
    super({ isUpload: true });
    this.#key = key;
    this.#fill = fill;
  }

  binaryCacheKey(): string {
    return this.#key;
  }

  async ensureCached(): Promise<void> {
    this.calls.push('ensureCached');
    await this.#fill();
  }
}

test('only hosts whose source reports an upgrade are staged, and none that is reset [k0sctl-001]', async () => {
  const hosts = [
    { name: 'old', provider: new Recorded() },
    { name: 'reset', provider: new Recorded(), isReset: true },
    { name: 'new', provider: new Recorded({ isNeeded: false }) },
  ];
  assert.deepEqual(
    (await hostsToStage(hosts, signal)).map(({ name }) => name),
    ['old'],
  );
  const { staged } = await stageBinaries(hosts, signal);
  assert.deepEqual([...staged.keys()], ['old']);
});

test('a host that has nothing to do is asked once, and nothing is run there [k0sctl-024]', async () => {
  const asked: string[] = [];
  const provider = new (class extends Recorded {
    override async needsUpgrade(): Promise<boolean> {
      asked.push('needsUpgrade');
      return false;
    }
  })();
  const { staged } = await stageBinaries([{ name: 'settled', provider }], signal);
  assert.deepEqual([asked, provider.calls, staged.size], [['needsUpgrade'], [], 0]);
});

test('the staged path is recorded, and the source asked once [k0sctl-002]', async () => {
  const provider = new Recorded();
  const told: unknown[] = [];
  const { staged } = await stageBinaries([{ name: 'a', provider }], signal, {
    onStaged: (...what) => told.push(what),
  });
  assert.equal(staged.get('a'), '/tmp/k0s-stage');
  assert.deepEqual(provider.calls, ['stage']);
  assert.deepEqual(told, [['a', '/tmp/k0s-stage']]);
});

test('the cache is filled before an upload is staged [k0sctl-003]', async () => {
  const provider = new RecordedCacher('amd64/linux/v1.30.1+k0s.0');
  await stageBinaries([{ name: 'a', provider }], signal);
  assert.deepEqual(provider.calls, ['ensureCached', 'stage']);
});

test('hosts with one cache key cause one fill [k0sctl-004]', async () => {
  const providers = [new RecordedCacher('key'), new RecordedCacher('key')];
  const hosts = providers.map((provider, index) => ({ name: `${index}`, provider }));
  const { staged } = await stageBinaries(hosts, signal);
  assert.equal(staged.size, 2);
  assert.equal(
    providers.flatMap(({ calls }) => calls).filter((call) => call === 'ensureCached').length,
    1,
  );
});

test('a cache that cannot be filled stages nothing [k0sctl-005]', async () => {
  const broken = new RecordedCacher('arm64', () => Promise.reject(new Error('no such release')));
  const other = new RecordedCacher('arm64');
  const hosts = [
    { name: 'a', provider: broken },
    { name: 'b', provider: other },
  ];
  await assert.rejects(stageBinaries(hosts, signal), (error: unknown) => {
    assert.ok(error instanceof StagingError);
    assert.equal(error.message, 'failed on 2 hosts:\na: no such release\nb: no such release');
    return true;
  });
  assert.deepEqual([...broken.calls, ...other.calls], ['ensureCached', 'cleanUp', 'cleanUp']);
});

test('one failure cleans all up, or where asked only that host', async () => {
  const broken = (): Recorded => new Recorded({ stage: () => Promise.reject(new Error('broken')) });
  const make = () => [
    { name: 'good', provider: new Recorded() },
    { name: 'bad', provider: broken() },
  ];
  const all = make();
  await assert.rejects(stageBinaries(all, signal), /failed on 1 host:\nbad: broken/);
  for (const { provider } of all) assert.equal(provider.calls.at(-1), 'cleanUp');
  const some = make();
  const { staged, failed } = await stageBinaries(some, signal, { stopsAtFailure: false });
  assert.deepEqual([[...staged.keys()], [...failed.keys()]], [['good'], ['bad']]);
  assert.deepEqual(some[0]?.provider.calls, ['stage']);
});

test('limits are windows: a new one begins as soon as any ends, uploads have a smaller one', async () => {
  const running = { all: 0, uploads: 0, mostAll: 0, mostUploads: 0 };
  const ends: (() => void)[] = [];
  const begun: string[] = [];
  const host = (name: string, isUpload: boolean) => ({
    name,
    provider: new Recorded({
      isUpload,
      async stage() {
        begun.push(name);
        running.all += 1;
        running.uploads += isUpload ? 1 : 0;
        running.mostAll = Math.max(running.mostAll, running.all);
        running.mostUploads = Math.max(running.mostUploads, running.uploads);
        await new Promise<void>((resolve) => ends.push(resolve));
        running.all -= 1;
        running.uploads -= isUpload ? 1 : 0;
        return name;
      },
    }),
  });
  const hosts = Array.from({ length: 10 }, (_, index) => host(`h${index}`, index % 2 === 0));
  const limits = { operations: 3, uploads: 1, downloads: 1 };
  const staging = stageBinaries(hosts, signal, { limits });
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  for (let ended = 0; ended < hosts.length; ended += 1) {
    while (ends.length === 0) await turn();
    // The newest: the oldest of the window is the slow one, and holds nobody up.
    ends.pop()?.();
    await turn();
  }
  assert.equal((await staging).staged.size, 10);
  assert.deepEqual([running.mostAll, running.mostUploads], [3, 1]);
  assert.equal(new Set(begun).size, 10);
});

test('an abort ends what runs, begins nothing more, and cleans up', async () => {
  const abort = new AbortController();
  const waiting = (inner: AbortSignal): Promise<string> =>
    new Promise((_, reject) => {
      inner.addEventListener('abort', () => reject(inner.reason as Error), { once: true });
    });
  const hosts = Array.from({ length: 4 }, (_, index) => ({
    name: `${index}`,
    provider: new Recorded({ stage: waiting }),
  }));
  const limits = { operations: 2, uploads: 1, downloads: 1 };
  const staging = stageBinaries(hosts, abort.signal, { limits });
  while (hosts.filter(({ provider }) => provider.calls.includes('stage')).length < 2)
    await new Promise<void>((resolve) => void setImmediate(resolve));
  abort.abort(new Error('enough'));
  await assert.rejects(staging, /enough/);
  assert.deepEqual(
    hosts.map(({ provider }) => provider.calls),
    [['stage', 'cleanUp'], ['stage', 'cleanUp'], ['cleanUp'], ['cleanUp']],
  );
});
