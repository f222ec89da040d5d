// `npm run bench [start|create|watch|list|ingress|plan|rollout|fleet|idle|s3|segments|store|replica|standby|artifact …] [--scale FACTOR] [--peer etcd]`: ratios against a floor measured in the same run. Not a test: nothing fails here.
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { benchArtifact } from './artifact.ts';
import { benchCreate } from './create.ts';
import { benchFleet } from './fleet.ts';
import { benchIdle } from './idle.ts';
import { benchIngress } from './ingress.ts';
import { benchList } from './list.ts';
import { benchPlan } from './plan.ts';
import { benchReplica } from './replica.ts';
import { benchRollout } from './rollout.ts';
import { pinning } from './processes.ts';
import { benchS3 } from './s3.ts';
import { benchSegments } from './segments.ts';
import { benchStandby } from './standby.ts';
import { benchStart } from './start.ts';
import { benchStore } from './store.ts';
import { benchWatch } from './watch.ts';

type Benchmark = (scale: number, peer: string | undefined) => Promise<void>;

const benchmarks: Readonly<Record<string, Benchmark>> = {
  start: benchStart,
  create: benchCreate,
  watch: benchWatch,
  list: benchList,
  ingress: benchIngress,
  plan: benchPlan,
  rollout: benchRollout,
  fleet: benchFleet,
  idle: benchIdle,
  s3: benchS3,
  segments: benchSegments,
  store: benchStore,
  replica: benchReplica,
  standby: benchStandby,
  artifact: benchArtifact,
};

const { values, positionals: asked } = parseArgs({
  allowPositionals: true,
  options: { scale: { type: 'string', default: '1' }, peer: { type: 'string' } },
});
const scale = Number(values.scale);
if (!(scale > 0 && scale <= 1)) {
  console.error(`--scale ${values.scale}: give a number above 0, up to 1 for the full size`);
  process.exit(2);
}
if (values.peer !== undefined && values.peer !== 'etcd') {
  console.error(`--peer ${values.peer}: etcd is the only one there is`);
  process.exit(2);
}
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
  await run(scale, values.peer);
}
