import assert from 'node:assert/strict';
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from './manager/fake-clock-fixture.ts';
import { parseMachineId } from './machine-id.ts';
import type { MachineId } from './machine-id.ts';
import { openPersistence } from './open.ts';

const machineId = parseMachineId('0'.repeat(32)) as MachineId;
let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'windlass-open-'));
});
after(() => rm(directory, { recursive: true }));

test('openPersistence() opens sqlite:PATH and creates folders and file for this user alone', async () => {
  const path = join(directory, 'a', 'b', 'state.db');
  await using log = await openPersistence({
    urls: [`sqlite:${path}`],
    machineId,
    clock: systemClock,
  });
  const [report, ...others] = log.instances();
  assert.match(report?.name ?? '', /^sqlite-[0-9a-f]{8}$/);
  assert.deepEqual([report?.role, report?.up, report?.state], ['Primary', true, 'Up']);
  assert.deepEqual(others, []);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await stat(`${path}-wal`)).mode & 0o777, 0o600);
  assert.equal((await stat(join(directory, 'a'))).mode & 0o777, 0o700);
});

for (const [urls, message] of [
  [[], /--persistence.*at least one/],
  [[''], /must start with sqlite:/],
  [['state.db'], /must start with sqlite:/],
  [['postgres://me:hunter2@x/y'], /Invalid --persistence postgres:…: it must start with/],
  [['constructor:x'], /must start with/],
  [['sqlite:'], /a path must follow/],
  [['sqlite:a\0b'], /a path must follow/],
  [['nfs:'], /a path must follow, as in nfs:/],
  [['s3://bucket/a b'], /Invalid --persistence s3:\/\/bucket\/a b: the prefix holds "a b"/],
  [['s3://id:key@bucket'], /Invalid --persistence s3:\/\/…@bucket: it holds user info/],
  [
    ['module:./x.mjs?folder=hunter2'],
    /module:\.\/x\.mjs\?…: Cannot use .*x\.mjs: there is no such file$/,
  ],
  [['sqlite:a', 'sqlite:./a'], /Invalid --persistence sqlite:\.\/a: it is given twice/],
] as const) {
  test(`openPersistence() explains ${JSON.stringify(urls)}`, async () => {
    await assert.rejects(openPersistence({ urls, machineId, clock: systemClock }), message);
  });
}

test('a place that does not answer is waited for, which is said, until somebody stops it', async () => {
  const path = join(directory, 'silent.mjs');
  const verbs =
    'instances instanceStatus putObject deleteObject getObject getAllObjects claimEpoch cursor append replay readFrom compact restore setAside verify';
  await writeFile(
    path,
    `const verbs = Object.fromEntries('${verbs}'.split(' ').map((verb) => [verb, () => undefined]));
     export default {
       ...verbs,
       instances: () => ['silent-3f2a9c01'],
       initialize: () => new Promise(() => undefined),
       [Symbol.asyncDispose]: () => Promise.resolve(),
     };`,
  );
  const [clock, stop, warnings] = [new FakeClock(), new AbortController(), [] as string[]];
  const warn = (message: string): void => void warnings.push(message);
  const opening = openPersistence(
    { urls: [`module:${path}`], machineId, clock, warn },
    stop.signal,
  );
  opening.catch(() => undefined);
  await eventually('it is told of', async () => {
    await clock.advance(11_000);
    assert.match(warnings.join(), /^module:.*silent\.mjs is being opened for 10 s/);
  });
  stop.abort(new Error('enough'));
  await assert.rejects(opening, /enough/);
});

test('paths that cannot be are told of in words, for each scheme, and nothing of others is touched', async () => {
  const root = await mkdtemp(join(directory, 'hostile-'));
  const at = (name: string): string => join(root, name);
  await symlink(at('loop'), at('loop'));
  await symlink(at('nowhere'), at('dangling'));
  await writeFile(at('file'), 'somebody else’s');
  await mkdir(at('home'));
  await writeFile(join(at('home'), 'letter.txt'), 'dear');
  const paths = [
    at('loop'),
    join(at('loop'), 'state'),
    join(at('dangling'), 'state'),
    at('file'),
    join(at('file'), 'state'),
    at('x'.repeat(300)),
    join(root, ...Array.from({ length: 60 }, () => 'd'.repeat(100))),
    '/proc/nowhere/state',
    '/dev/null',
  ];
  for (const scheme of ['sqlite', 'nfs']) {
    for (const path of scheme === 'nfs' ? [...paths, at('home')] : [...paths, root]) {
      const opening = async (): Promise<void> => {
        await using log = await openPersistence({
          urls: [`${scheme}:${path}`],
          machineId,
          clock: systemClock,
        });
        await log.open(new AbortController().signal);
      };
      await assert.rejects(opening, (error: Error) => {
        assert.match(error.name, /^(?:PersistenceUrl|Storage\w+|ForeignData)Error$/, path);
        assert.ok(error.message.includes(path), `${error.message} does not name ${path}`);
        return true;
      });
    }
  }
  assert.equal(await readFile(at('file'), 'utf8'), 'somebody else’s');
  assert.deepEqual(await readdir(at('home')), ['letter.txt']);
});

test('spaces, percent signs, line feeds and links in a path are taken as they are', async () => {
  const root = await mkdtemp(join(directory, 'odd-'));
  await mkdir(join(root, 'real'));
  await symlink(join(root, 'real'), join(root, 'link'));
  for (const name of ['a b', 'a%2fb', 'new\nline', 'ünï', '?q=1', '#f', 'link/state', '../up']) {
    const path = `${root}/in/${name}`.replace('in/link', 'link');
    for (const scheme of ['sqlite', 'nfs']) {
      const url = `${scheme}:${path}.${scheme}`;
      await using log = await openPersistence({ urls: [url], machineId, clock: systemClock });
      await log.open(new AbortController().signal);
      assert.ok((await stat(`${path}.${scheme}`)).isFile() === (scheme === 'sqlite'));
    }
  }
});

test('a copy of a data directory waits for the original that runs; that one starts again at once', async () => {
  const [own, copy] = [join(directory, 'own'), join(directory, 'copy')];
  const shared = `nfs:${join(directory, 'shared')}`;
  await mkdir(own);
  const openedIn = (dataDir: string, warn?: (message: string) => void) =>
    openPersistence({
      urls: [`sqlite:${join(dataDir, 'state.db')}`, shared],
      machineId,
      dataDir,
      clock: systemClock,
      ...(warn === undefined ? {} : { warn }),
    });
  const never = new AbortController().signal;
  const original = await openedIn(own);
  await original.open(never);
  const note = join(directory, 'shared', 'holder.json');
  await eventually('the holder says so', async () =>
    assert.match(await readFile(note, 'utf8'), /"isHeld":true/),
  );
  const killed = await readFile(note, 'utf8');
  await cp(own, copy, { recursive: true, filter: (name) => !/state\.db-|\.lock$/.test(name) });
  const said: string[] = [];
  const stop = new AbortController();
  {
    await using log = await openedIn(copy, (message) => {
      said.push(message);
      if (message.startsWith('standby')) stop.abort(new Error('seen'));
    });
    await assert.rejects(log.open(stop.signal), /seen/);
  }
  assert.match(said.join('\n'), /standby: .* of whose data directory this one has a copy/);
  await original[Symbol.asyncDispose]();
  // As kill -9 leaves it.
  await writeFile(note, killed);
  const saidAgain: string[] = [];
  await using again = await openedIn(own, (message) => saidAgain.push(message));
  await again.open(never);
  assert.doesNotMatch(saidAgain.join('\n'), /standby/);
});
