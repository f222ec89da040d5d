// `node scripts/golden-data.ts`: writes data directories of the present formats into the tests' data, each format once. Later
// versions must open them: what is there for a released format is never written again.
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeBatch } from '#persistence/encoding.ts';
import { openMachineId } from '#persistence/machine-id.ts';
import { NfsPersistenceProvider } from '#persistence/nfs/provider.ts';
import type { LogPersistenceProvider, LogRecord } from '#persistence/provider.ts';
import { SEGMENT_FORMAT } from '#persistence/segments/format-version.ts';
import { MIGRATIONS } from '#persistence/sqlite/migrations.ts';
import { SqlitePersistenceProvider } from '#persistence/sqlite/provider.ts';
import { systemClock } from '#platform/clock.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

interface Kind {
  readonly name: string;
  readonly format: number;
  readonly open: (path: string) => LogPersistenceProvider;
  /** Where it lies in a data directory. */
  readonly place: string;
  readonly variants: readonly Variant[];
  /** What of it is copied: a live database has files that are made anew. */
  readonly files: (variant: Variant) => readonly string[];
}

/** `killed`: as a process leaves it that dies after its last commit; `restored`: a copy of another log, after what was there was set aside. */
type Variant = 'stopped' | 'killed' | 'restored';

const KINDS: readonly Kind[] = [
  {
    name: 'sqlite',
    format: MIGRATIONS.length + 1,
    open: (path) => new SqlitePersistenceProvider({ paths: [path], clock: systemClock }),
    place: 'state.db',
    variants: ['stopped', 'killed'],
    files: (variant) => ['state.db', ...(variant === 'killed' ? ['state.db-wal'] : [])],
  },
  {
    name: 'segments',
    format: SEGMENT_FORMAT,
    open: (path) => new NfsPersistenceProvider({ paths: [path], clock: systemClock }),
    place: 'state',
    variants: ['stopped', 'restored'],
    files: () => ['state'],
  },
];

/** Puts, changes and deletions of values of many sizes, JSON and bytes, names beyond ASCII. */
function records(first: number, count: number): LogRecord[] {
  return Array.from({ length: count }, (_unused, index) => {
    const revision = first + index;
    const named = {
      revision,
      kind: revision % 3 === 0 ? 'core/secrets' : 'core/pods',
      key: `default/ünit-${revision % 17}`,
    };
    if (revision % 7 === 0) return named;
    const value =
      revision % 3 === 0
        ? Buffer.alloc(200, Buffer.from([0, 1, 2, 253, 254, 255, revision % 256]))
        : Buffer.from(JSON.stringify({ revision, text: 'x'.repeat((revision * 97) % 1_900) }));
    return { ...named, value };
  });
}

async function replayed(
  provider: LogPersistenceProvider,
  instance: string,
): Promise<readonly LogRecord[]> {
  const all: LogRecord[] = [];
  for await (const page of provider.replay(instance, new AbortController().signal))
    all.push(...page);
  return all;
}

async function* inOnePage(page: readonly LogRecord[]): AsyncGenerator<readonly LogRecord[]> {
  yield await Promise.resolve(page);
}

async function write(kind: Kind, folder: string, variant: Variant): Promise<void> {
  const work = join(folder, 'work');
  mkdirSync(work, { recursive: true });
  const provider = kind.open(join(work, kind.place));
  await provider.initialize(await openMachineId(work));
  const [instance = ''] = provider.instances();
  await provider.claimEpoch(instance);
  const { epoch } = await provider.claimEpoch(instance);
  for (let first = 1; first <= 100; first += 20) {
    await provider.append(instance, encodeBatch({ epoch, records: records(first, 20) }));
    if (first === 41) await provider.compact(instance, 30);
  }
  await provider.compact(instance, 55);
  if (variant === 'restored') {
    const { compacted, revision } = await provider.cursor(instance);
    const page = await replayed(provider, instance);
    await provider.setAside(instance, epoch);
    await provider.restore(instance, { epoch, compacted, revision, records: inOnePage(page) });
    await provider.append(instance, encodeBatch({ epoch, records: records(101, 5) }));
  }
  const changes = (await replayed(provider, instance)).map(({ value, ...rest }) => ({
    ...rest,
    value: value && Buffer.from(value).toString('base64'),
  }));
  const log = { cursor: await provider.cursor(instance), changes };
  writeFileSync(join(folder, 'log.json'), `${JSON.stringify(log, undefined, 1)}\n`);
  if (variant !== 'killed') await provider[Symbol.asyncDispose]();
  for (const name of ['machine-id', ...kind.files(variant)])
    cpSync(join(work, name), join(folder, name), { recursive: true });
  if (variant === 'killed') await provider[Symbol.asyncDispose]();
  rmSync(work, { recursive: true });
}

for (const kind of KINDS) {
  const target = join(root, 'persistence', kind.name, 'golden', `format-${kind.format}`);
  if (existsSync(target)) {
    console.log(`${target} is there; remove it by hand if its format was never released`);
    continue;
  }
  for (const variant of kind.variants) await write(kind, join(target, variant), variant);
  console.log(`Wrote ${target}`);
}
