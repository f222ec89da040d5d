// The manager over real SQLite files in two directories: one lost, one that is an old copy, one damaged, both gone apart; and two
// control planes on one file.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { encodeBatch } from '../encoding.ts';
import type { InstanceReport, PersistenceLog } from '../log.ts';
import { parseMachineId } from '../machine-id.ts';
import type { MachineId } from '../machine-id.ts';
import { openPersistence } from '../open.ts';
import type { PersistenceOptions } from '../open.ts';
import { eventually } from '#test/support/eventually.ts';

const never = new AbortController().signal;
let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'windlass-instances-'));
});
after(() => rm(root, { recursive: true }));

/** Two directories with a file each, and a data directory. */
class Site {
  readonly dataDir: string;
  readonly folders: readonly [string, string];

  constructor(name: string) {
    this.dataDir = join(root, name, 'data');
    this.folders = [join(root, name, 'one'), join(root, name, 'two')];
  }

  async log(options: Partial<PersistenceOptions> = {}): Promise<PersistenceLog> {
    await mkdir(this.dataDir, { recursive: true });
    return openPersistence({
      urls: this.folders.map((folder) => `sqlite:${join(folder, 'state.db')}`),
      machineId: parseMachineId('c'.repeat(32)) as MachineId,
      dataDir: this.dataDir,
      clock: systemClock,
      ...options,
    });
  }
}

/** Writes keys and waits until all instances have them. */
async function write(
  site: Site,
  keys: readonly string[],
  options: Partial<PersistenceOptions> = {},
) {
  await using log = await site.log(options);
  const { epoch, revision } = await log.open(never);
  const records = keys.map((key, index) => ({
    revision: revision + 1 + index,
    kind: 'k',
    key,
    value: Buffer.from(`value of ${key}`),
  }));
  await log.append(encodeBatch({ epoch, records }));
  await until(log, (reports) => reports.every(({ lagRevisions }) => lagRevisions === 0));
}

async function until(
  log: PersistenceLog,
  isMet: (reports: readonly InstanceReport[]) => boolean,
): Promise<void> {
  await eventually('all instances are as expected', () => {
    assert.ok(isMet(log.instances()), JSON.stringify(log.instances(), undefined, 1));
  });
}

async function read(log: PersistenceLog): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const page of log.replay(never)) keys.push(...page.map(({ key }) => key));
  return keys;
}

const all = { ack: 'all' } as const;

test('with --ack all the loss of either file loses nothing, and it is made anew', async () => {
  for (const lost of [0, 1]) {
    const site = new Site(`lost-${lost}`);
    await write(site, ['a', 'b'], all);
    await rm(site.folders[lost] ?? '', { recursive: true });
    await using log = await site.log(all);
    const { revision } = await log.open(never);
    assert.ok(revision < 2 ** 32, 'nothing can be missing');
    assert.deepEqual(await read(log), ['a', 'b']);
    await until(log, (reports) => reports.every(({ state }) => state === 'Up'));
  }
});

test('with --ack primary the loss of the primary is refused; accepted, revisions jump', async () => {
  const site = new Site('lost-primary');
  await write(site, ['a', 'b']);
  await rm(site.folders[0], { recursive: true });
  {
    await using log = await site.log();
    await assert.rejects(log.open(never), {
      name: 'StartRefusedError',
      message:
        /acknowledged writes may be missing.*may hold more: it is empty now.*--accept-possible-loss/s,
    });
  }
  await using log = await site.log({ acceptPossibleLoss: true });
  const cursor = await log.open(never);
  assert.deepEqual([cursor.revision, cursor.compacted], [2 ** 32, 2 ** 32]);
  assert.deepEqual(await read(log), ['a', 'b']);
});

test('an old copy of the primary is noticed; with --ack all it is brought up to date', async () => {
  for (const [ack, isRefused] of [
    ['primary', true],
    ['all', false],
  ] as const) {
    const site = new Site(`old-${ack}`);
    await write(site, ['a'], { ack });
    await cp(site.folders[0], `${site.folders[0]}-copy`, { recursive: true });
    await write(site, ['b'], { ack });
    await rm(site.folders[0], { recursive: true });
    await cp(`${site.folders[0]}-copy`, site.folders[0], { recursive: true });
    await using log = await site.log({ ack });
    if (isRefused) {
      await assert.rejects(log.open(never), /an older copy/);
      continue;
    }
    await log.open(never);
    assert.deepEqual(await read(log), ['a', 'b']);
    assert.equal(log.instances()[0]?.role, 'Primary');
  }
});

test('a damaged file is set aside and made anew from the other', async () => {
  const site = new Site('damaged');
  await write(site, ['a', 'b'], all);
  const file = join(site.folders[0], 'state.db');
  const bytes = await readFile(file);
  // The header stays, so that it is ours and damaged rather than somebody else's.
  await writeFile(
    file,
    Buffer.concat([bytes.subarray(0, 8_192), Buffer.alloc(bytes.length - 8_192, 0xff)]),
  );
  await using log = await site.log(all);
  await log.open(never);
  assert.deepEqual(await read(log), ['a', 'b']);
  await until(log, (reports) => reports.every(({ state }) => state === 'Up'));
  const left = await readdir(site.folders[0], { recursive: true });
  assert.ok(left.length > 1, `the damaged file is kept: ${left.join(' ')}`);
});

test('files that went apart are refused, and with consent the newer wins and the other is set aside', async () => {
  const site = new Site('apart');
  await write(site, ['a']);
  const [one, two] = site.folders.map((folder) => `sqlite:${join(folder, 'state.db')}`) as [
    string,
    string,
  ];
  await write(site, ['only in one'], { urls: [one] });
  await write(site, ['only in two'], { urls: [two], acceptPossibleLoss: true });
  {
    await using log = await site.log();
    await assert.rejects(log.open(never), /went apart/);
  }
  await using log = await site.log({ acceptPossibleLoss: true });
  await log.open(never);
  assert.deepEqual(await read(log), ['a', 'only in two']);
  await until(log, (reports) => reports.every(({ state }) => state === 'Up'));
});

test('data of two clusters is refused', async () => {
  const [left, right] = [new Site('left'), new Site('right')];
  await write(left, ['a']);
  await write(right, ['b']);
  await rm(left.folders[1], { recursive: true });
  await cp(right.folders[0], left.folders[1], { recursive: true });
  await using log = await left.log();
  await assert.rejects(log.open(never), /hold the data of different clusters/);
});

test('of two control planes on one file exactly one goes on', async () => {
  const site = new Site('shared');
  await write(site, ['a']);
  const outcomes = await Promise.allSettled(
    [0, 1].map(async () => {
      const log = await site.log({ urls: [`sqlite:${join(site.folders[0], 'state.db')}`] });
      try {
        await log.open(never);
      } catch (error) {
        await log[Symbol.asyncDispose]();
        throw error;
      }
      return log;
    }),
  );
  const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled');
  assert.equal(winners.length, 1, JSON.stringify(outcomes));
  await winners[0]?.value[Symbol.asyncDispose]();
});

test('a copy of a data directory with a shared replica is told from its original', async () => {
  const site = new Site('copied');
  await write(site, ['a']);
  const copy = new Site('copied-copy');
  await cp(site.dataDir, copy.dataDir, { recursive: true });
  await cp(site.folders[0], copy.folders[0], { recursive: true });
  await write(site, ['b']);
  const urls = [copy.folders[0], site.folders[1]].map(
    (folder) => `sqlite:${join(folder, 'state.db')}`,
  );
  await using log = await copy.log({ urls });
  await assert.rejects(log.open(never), {
    name: 'StartRefusedError',
    message: /it is a copy, or was moved or restored, and its original has run since.*--takeover/,
  });
});
