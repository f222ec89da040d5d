// What must hold whatever goes wrong, under faults by chance: invariants 1 (only verified bytes get a name, here and on hosts), 2 (one
// fetch per digest at a time) and 11 (no credential in anything that is said).
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { sha256Hex } from '#test/support/artifact-server.ts';
import type { ArtifactFault } from '#test/support/artifact-server.ts';
import { seededRandom } from '#test/support/seed.ts';
import type { Random } from '#test/support/seed.ts';
import { randomFaults } from '../hosts/sim/simulated-faults.ts';
import { SimulatedHost } from '../hosts/sim/simulated-host.ts';
import { SimulatedMachine } from '../hosts/sim/simulated-machine.ts';
import { ArtifactError } from './artifact-error.ts';
import { ArtifactFetcher } from './artifact-fetcher.ts';
import { httpSource } from './artifact-source.ts';
import type { ArtifactSource } from './artifact-source.ts';
import { binariesBench, makeStore, someBytes } from './binaries-fixture.ts';
import type { BinaryHost } from './binary-host.ts';
import { newLocalUpload } from './uploaded-binary.ts';

const SECRET = 'pass-word-of-nobody';

function anyFault(random: Random, size: number): ArtifactFault {
  const faults: readonly ArtifactFault[] = [
    { type: 'wrong' },
    { type: 'short' },
    { type: 'noRange' },
    { type: 'cut', afterBytes: random.next(size) },
    { type: 'status', status: 503 },
    { type: 'status', status: 429, retryAfter: '0' },
    { type: 'status', status: 404 },
    { type: 'redirect', to: `http://user:${SECRET}@127.0.0.1:1/` },
    { type: 'endless' },
  ];
  return faults[random.next(faults.length)] ?? { type: 'wrong' };
}

/** Counts how many fill at the same time. */
function counted(source: ArtifactSource, count: { now: number; most: number }): ArtifactSource {
  return {
    name: source.name,
    async fill(...args) {
      count.now += 1;
      count.most = Math.max(count.most, count.now);
      try {
        await source.fill(...args);
      } finally {
        count.now -= 1;
      }
    },
  };
}

test('whatever the sources do, only verified bytes get a name, one fetch at a time, and no credential is told', async (t) => {
  const random = seededRandom();
  t.diagnostic(`seed ${random.seed}`);
  const bench = await binariesBench(t);
  for (let round = 0; round < 30; round += 1) {
    const content = someBytes(1 + random.next(150_000), round + 1);
    const paths = [`/a/${round}`, `/b/${round}`];
    for (const path of paths) {
      bench.server.publish(path, content);
      const faults = Array.from({ length: random.next(5) }, () => anyFault(random, content.length));
      bench.server.fail(path, ...faults);
    }
    const digest = sha256Hex(content);
    const count = { now: 0, most: 0 };
    const sources = paths.map((path) => {
      const url = `http://user:${SECRET}@127.0.0.1:${bench.server.port}${path}?token=${SECRET}`;
      return counted(httpSource(bench.http, { url, headers: { 'x-key': SECRET } }), count);
    });
    const wanted = { digest: { sha256: digest }, sources, limitBytes: content.length + 1 };
    // Another store on the same folder is another process, as far as the disk can tell.
    const other = new ArtifactFetcher(makeStore(bench.store.folder), bench.http);
    const aborts: AbortController[] = [];
    const asking = Array.from({ length: 6 }, async (_, index) => {
      const abort = new AbortController();
      aborts.push(abort);
      return (index % 2 === 0 ? bench.fetcher : other).ensure(wanted, { signal: abort.signal });
    });
    if (random.next(2) === 0) aborts[random.next(aborts.length)]?.abort(new Error('gave up'));
    const answers = await Promise.allSettled(asking);
    for (const answer of answers) {
      if (answer.status === 'fulfilled') assert.equal(answer.value.digest, digest);
      else {
        const { reason } = answer as { readonly reason: Error };
        assert.ok(reason instanceof ArtifactError || reason.message === 'gave up', String(reason));
        const cause = reason.cause instanceof Error ? reason.cause.stack : '';
        assert.doesNotMatch(`${reason.stack}${JSON.stringify(reason)}${cause}`, new RegExp(SECRET));
      }
    }
    assert.ok(count.most <= 1, `${count.most} fetches at once`);
    for (const name of await readdir(join(bench.store.folder, 'sha256')))
      assert.equal(sha256Hex(await readFile(join(bench.store.folder, 'sha256', name))), name);
    assert.deepEqual(await readdir(join(bench.store.folder, 'locks')), []);
  }
  assert.doesNotMatch(JSON.stringify(bench.outcomes), new RegExp(SECRET));
});

test('whatever a host does, what is installed there was verified, and a host that is well gets the new one', async (t) => {
  const random = seededRandom();
  t.diagnostic(`seed ${random.seed}`);
  const bench = await binariesBench(t);
  const [old, next] = [someBytes(10_000, 1), someBytes(20_000, 2)];
  const sha256 = bench.server.publish('/k0s', next);
  const known = new Set([sha256Hex(old), sha256]);
  const installPath = '/usr/local/bin/k0s';
  for (let round = 0; round < 60; round += 1) {
    const machine = new SimulatedMachine({ name: `m${round}`, clock: systemClock, rebootMs: 0 });
    machine.files.makeFolders('/usr/local/bin');
    machine.files.write(installPath, old, 0o755);
    const rates = {
      unreachable: 0.1,
      answerLost: 0.1,
      diskFull: 0.1,
      wrongDigest: 0.2,
      commandFailure: 0.1,
      crash: 0.1,
      crashAfter: 0.1,
    };
    machine.faults = randomFaults(() => random.next(1_000_000) / 1_000_000, rates);
    const upgrade = async (): Promise<void> => {
      // A new driver each time: whoever crashed is dead.
      const driver = new SimulatedHost(machine);
      const host: BinaryHost = {
        driver,
        os: 'linux',
        architecture: 'amd64',
        installPath,
        installedVersion: () => undefined,
        runningVersion: () => undefined,
      };
      const wanted = { digest: { sha256 }, url: `${bench.server.url}/k0s` };
      const provider = newLocalUpload(host, wanted, { fetcher: bench.fetcher, ids: systemIds });
      if (!(await provider.needsUpgrade(bench.signal))) return;
      const staged = await provider.stage(bench.signal);
      assert.ok(staged !== undefined);
      assert.equal(sha256Hex(machine.files.read(staged) ?? ''), sha256);
      await driver.rename(staged, installPath, bench.signal);
    };
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await upgrade().catch((error: unknown) => {
        if (error instanceof assert.AssertionError) throw error;
      });
      assert.ok(known.has(sha256Hex(machine.files.read(installPath) ?? '')));
    }
    machine.faults = () => undefined;
    await upgrade();
    assert.equal(sha256Hex(machine.files.read(installPath) ?? ''), sha256);
  }
  assert.equal(bench.server.fetches('/k0s'), 1);
});
