// `node scripts/golden-data.ts`: writes a data directory of the present format into the tests' data, once per format. Later
// versions must open it: what is there for a released format is never written again.
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeBatch } from '#persistence/encoding.ts';
import { openMachineId } from '#persistence/machine-id.ts';
import type { LogRecord } from '#persistence/provider.ts';
import { MIGRATIONS } from '#persistence/sqlite/migrations.ts';
import { SqlitePersistenceProvider } from '#persistence/sqlite/provider.ts';
import { systemClock } from '#platform/clock.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const format = MIGRATIONS.length + 1;
const target = join(root, 'persistence', 'sqlite', 'golden', `format-${format}`);
if (existsSync(target)) {
  console.error(`${target} is there already; remove it by hand if its format was never released`);
  process.exit(1);
}

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

/** `killed`: as a process leaves it that dies after its last commit. */
async function write(folder: string, killed: boolean): Promise<void> {
  const work = join(folder, 'work');
  mkdirSync(work, { recursive: true });
  await openMachineId(work);
  const path = join(work, 'state.db');
  const provider = new SqlitePersistenceProvider({ paths: [path], clock: systemClock });
  await provider.initialize(await openMachineId(work));
  const [instance = ''] = provider.instances();
  await provider.claimEpoch(instance);
  const { epoch } = await provider.claimEpoch(instance);
  for (let first = 1; first <= 100; first += 20) {
    await provider.append(instance, encodeBatch({ epoch, records: records(first, 20) }));
  }
  await provider.compact(instance, 55);
  const changes: unknown[] = [];
  for await (const page of provider.replay(instance, new AbortController().signal)) {
    for (const { value, ...rest } of page) {
      changes.push({ ...rest, value: value && Buffer.from(value).toString('base64') });
    }
  }
  const log = { cursor: await provider.cursor(instance), changes };
  writeFileSync(join(folder, 'log.json'), `${JSON.stringify(log, undefined, 1)}\n`);
  if (!killed) await provider[Symbol.asyncDispose]();
  const files = ['machine-id', 'state.db', ...(killed ? ['state.db-wal'] : [])];
  for (const name of files) copyFileSync(join(work, name), join(folder, name));
  if (killed) await provider[Symbol.asyncDispose]();
  rmSync(work, { recursive: true });
}

await write(join(target, 'stopped'), false);
await write(join(target, 'killed'), true);
console.log(`Wrote ${target}`);
