// `npm run torture -- --cycles N [--seed S] [--only kill|power|properties] [--store sqlite|nfs]`: writing and dying, thousands of times,
// and all tests with chance in them, a seed each cycle. A failure leaves the files where they are and says the seed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { crashCycle } from '../support/crash-cycle.ts';
import { FaultDisk, missingFaultDisk } from '../support/fault-disk.ts';
import type { LogStore } from '../support/log-oracle.ts';
import { seededRandom } from '../support/seed.ts';
import { propertyRound } from './properties.ts';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    only: { type: 'string' },
    store: { type: 'string' },
  },
});
const cycles = Number(values.cycles);
const seed = values.seed === undefined ? undefined : Number(values.seed);
if (!(Number.isSafeInteger(cycles) && cycles > 0) || (seed !== undefined && !(seed > 0))) {
  console.error('--cycles and --seed take a count, as in --cycles 1000 --seed 42');
  process.exit(2);
}
if (values.only !== undefined && !['kill', 'power', 'properties'].includes(values.only)) {
  console.error(`--only ${values.only}: choose kill, power or properties`);
  process.exit(2);
}
if (values.store !== undefined && values.store !== 'sqlite' && values.store !== 'nfs') {
  console.error(`--store ${values.store}: choose sqlite or nfs`);
  process.exit(2);
}

/** Of cycles on one file; then a new one, so that no file is alike. */
const PER_FILE = 50;
const random = seededRandom(seed);
console.log(`seed ${random.seed}, ${cycles} cycles`);

async function kills(store: LogStore, count: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'windlass-torture-'));
  const path = join(directory, 'state');
  let before = 0;
  for (let cycle = 0; cycle < count; cycle += 1)
    before = await crashCycle({ store, path, random, before });
  rmSync(directory, { recursive: true });
}

async function powerCuts(store: LogStore, count: number): Promise<void> {
  await using disk = await FaultDisk.open({ losesNames: true });
  const path = join(disk.path, 'state');
  let before = 0;
  for (let cycle = 0; cycle < count; cycle += 1)
    before = await crashCycle({ store, path, random, disk, before });
}

const missing = missingFaultDisk();
const isAsked = (kind: string): boolean => (values.only ?? kind) === kind;
if (missing !== undefined && isAsked('power'))
  console.log(`No power cuts: this machine lacks ${missing}`);
const stores: readonly LogStore[] = values.store === undefined ? ['sqlite', 'nfs'] : [values.store];
const kinds = stores.flatMap((store) => [
  ...(isAsked('kill') ? [{ name: `kill -9 (${store})`, store, run: kills }] : []),
  ...(isAsked('power') && missing === undefined
    ? [{ name: `power cut (${store})`, store, run: powerCuts }]
    : []),
]);
for (const { name, store, run } of kinds) {
  for (let done = 0; done < cycles; done += PER_FILE) {
    await run(store, Math.min(PER_FILE, cycles - done));
    console.log(`${name}: ${Math.min(cycles, done + PER_FILE)} of ${cycles}, nothing lost`);
  }
}
if (isAsked('properties')) {
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    // The first is the one that was asked for.
    const next = cycle === 0 && seed !== undefined ? seed : random.next(1_000_000) + 1;
    await propertyRound(next);
    console.log(`properties: ${cycle + 1} of ${cycles}, they hold for seed ${next}`);
  }
}
