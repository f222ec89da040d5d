// All controllers in a process of their own, so that its processor time is theirs: `controllers-process.ts KUBECONFIG`.
import { startControllers } from '#controllers/start.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';

const [kubeconfig = ''] = process.argv.slice(2);
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort(new Error('the benchmark is over')));

const { done } = await startControllers(
  {
    kubeconfig,
    clock: systemClock,
    logger: silentLogger,
    metrics: new MetricsRegistry(),
    clusterDomain: 'internal',
  },
  stop.signal,
);
console.log('ready ');
await done;
