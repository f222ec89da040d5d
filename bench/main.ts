// `npm run bench [start|create|watch|list|ingress …]`: ratios against a floor measured in the same run. Not a test: nothing fails here.
import { cpus, totalmem } from 'node:os';
import { benchCreate } from './create.ts';
import { benchIngress } from './ingress.ts';
import { benchList } from './list.ts';
import { pinning } from './processes.ts';
import { benchStart } from './start.ts';
import { benchWatch } from './watch.ts';

const benchmarks: Readonly<Record<string, () => Promise<void>>> = {
  start: benchStart,
  create: benchCreate,
  watch: benchWatch,
  list: benchList,
  ingress: benchIngress,
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(benchmarks, name));
if (unknown !== undefined) {
  console.error(`Unknown benchmark ${unknown}: choose from ${Object.keys(benchmarks).join(', ')}`);
  process.exit(2);
}
const processors = cpus();
console.log(
  `Node ${process.version}, ${processors.length} × ${processors[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB; ${pinning}, client on the rest`,
);
for (const [name, run] of Object.entries(benchmarks)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(`bench ${name}`);
  await run();
}
