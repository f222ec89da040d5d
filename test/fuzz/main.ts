// `npm run fuzz -- --minutes N [--seed S]`: requests by chance at a real server, everything that it serves, until the time is over. Says
// what was answered with 500, with no Status, or not at all; the seed makes the same requests again.
import { parseArgs } from 'node:util';
import { seededRandom } from '../support/seed.ts';
import { fuzz } from './fuzz.ts';
import { openFuzzWorld } from './world.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? undefined : Number(values.seed);
if (!(minutes > 0) || (seed !== undefined && !(seed > 0))) {
  console.error('--minutes and --seed take a number, as in --minutes 10 --seed 42');
  process.exit(2);
}

/** More than that is not the requests that are under way. */
const MOST_RESIDENT_BYTES = 2 * 1024 ** 3;

const endings: (() => unknown)[] = [];
const random = seededRandom(seed);
console.log(`seed ${random.seed}, ${minutes} minutes`);
const world = await openFuzzWorld({
  after: (ending) => void endings.push(ending as () => unknown),
});
console.log(`${world.served.length} resources and subresources`);
const endsAt = Date.now() + minutes * 60_000;
let nextWord = Date.now();
const { sent, codes, findings } = await fuzz({
  ...world,
  random,
  goesOn(count) {
    const now = Date.now();
    if (now >= nextWord) {
      nextWord = now + 60_000;
      console.log(
        `${count} requests, ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB resident`,
      );
    }
    return now < endsAt;
  },
});
const counts = [...codes].toSorted(([a], [b]) => a - b).map(([code, count]) => `${code}: ${count}`);
console.log(`${sent} requests; ${counts.join(', ')}`);
const byProblem = Map.groupBy(findings, ({ problem }) =>
  problem.replaceAll(/\d+/g, 'N').slice(0, 120),
);
for (const [first] of byProblem.values().map((all) => [all[0], all.length] as const)) {
  if (first !== undefined) console.error(`${first.problem}\n    ${first.request}\n`);
}
const resident = process.memoryUsage.rss();
if (resident > MOST_RESIDENT_BYTES) console.error(`${resident} bytes resident`);
for (const ending of endings) await ending();
console.log(
  findings.length === 0
    ? 'nothing wrong'
    : `${findings.length} wrong answers of ${byProblem.size} sorts`,
);
process.exitCode = findings.length === 0 && resident <= MOST_RESIDENT_BYTES ? 0 : 1;
