// What the runner knows of test files before it runs them: which take long, so that they begin first and none is left over at the end,
// and which mostly wait, so that others run meanwhile. Measured with two processors; the end of a run names the slowest files.

export interface Cost {
  /** From start to end. */
  readonly seconds: number;
  /** Processors that it keeps busy, about; more than there are: it runs alone. */
  readonly load: number;
}

/** Of a file that is not named below: most talk to processes of their own half of the time. */
const USUAL: Cost = { seconds: 8, load: 0.65 };

const COSTS: Readonly<Record<string, Partial<Cost>>> = {
  'controllers/hosts/ssh/ssh-host.test.ts': { seconds: 75 },
  'controllers/infrastructure/docker/docker-driver.test.ts': { seconds: 12, load: 0.4 },
  'controllers/runtimes/docker-pod.test.ts': { seconds: 14, load: 0.4 },
  'controllers/runtimes/docker.test.ts': { seconds: 25, load: 0.4 },
  'persistence/nfs/provider.test.ts': { seconds: 20 },
  'persistence/s3/blob-store.test.ts': { seconds: 45, load: 0.5 },
  'persistence/s3/provider.test.ts': { seconds: 35 },
  'persistence/secrets/provider.test.ts': { seconds: 15 },
  'persistence/sqlite/crash.test.ts': { seconds: 18, load: 0.9 },
  'test/integration/controllers-crash.test.ts': { seconds: 35, load: 0.4 },
  'test/integration/deploy-pull.test.ts': { seconds: 22, load: 1 },
  'test/integration/docker-cluster.test.ts': { seconds: 26, load: 0.3 },
  'test/integration/k0s-cluster.test.ts': { seconds: 32, load: 0.75 },
  'test/integration/k0s-provided.test.ts': { seconds: 20, load: 0.3 },
  'test/integration/machine-boot.test.ts': { seconds: 133, load: 0.4 },
  'test/integration/machines.test.ts': { seconds: 51, load: 0.5 },
  'test/integration/node-lifecycle.test.ts': { seconds: 27, load: 0.25 },
  'test/integration/persistence-instances.test.ts': { seconds: 22 },
  'test/integration/rollout.test.ts': { seconds: 33, load: 0.5 },
  'test/integration/rollout-failure.test.ts': { seconds: 19 },
  'test/integration/s3-faults.test.ts': { seconds: 75, load: 0.6 },
  'test/integration/windlass-cluster-moved.test.ts': { seconds: 25, load: 0.8 },
  'test/integration/windlass-cluster.test.ts': { seconds: 30, load: 0.8 },
  'test/cases/service-cases.test.ts': { seconds: 28, load: 0.5 },
  'test/e2e/backup.test.ts': { seconds: 47, load: 0.8 },
  'test/e2e/bad-input.test.ts': { seconds: 85 },
  'test/e2e/compose.test.ts': { seconds: 65 },
  'test/e2e/console.test.ts': { seconds: 45, load: 0.9 },
  'test/e2e/deploy.test.ts': { seconds: 70 },
  'test/e2e/docker-pod.test.ts': { seconds: 32, load: 0.5 },
  'test/e2e/docker.test.ts': { seconds: 60 },
  'test/e2e/drift.test.ts': { seconds: 55, load: 0.4 },
  'test/e2e/examples.test.ts': { seconds: 55 },
  'test/e2e/exec-docker.test.ts': { seconds: 25, load: 0.5 },
  'test/e2e/exec.test.ts': { seconds: 60 },
  // A machine is lost after 40 s of silence.
  'test/e2e/frozen-machine.test.ts': { seconds: 55, load: 0.4 },
  'test/e2e/hello.test.ts': { seconds: 31 },
  'test/e2e/ingress-machines.test.ts': { seconds: 40, load: 1 },
  // 200 requests a second, 40,000 of them. Where no request may fail, less is to happen beside.
  'test/e2e/ingress-traffic.test.ts': { seconds: 250, load: 0.85 },
  'test/e2e/ingress.test.ts': { seconds: 70, load: 0.85 },
  'test/e2e/install.test.ts': { seconds: 38 },
  'test/e2e/liveness-traffic.test.ts': { seconds: 55, load: 0.85 },
  'test/e2e/machines.test.ts': { seconds: 85 },
  'test/e2e/names.test.ts': { seconds: 100 },
  'test/e2e/package.test.ts': { seconds: 60 },
  'test/e2e/persistence-replica.test.ts': { seconds: 35, load: 0.4 },
  'test/e2e/standby.test.ts': { seconds: 50, load: 0.4 },
  'test/e2e/traffic.test.ts': { seconds: 20, load: 0.85 },
};

/** @param file below the project's folder, as `test/e2e/hello.test.ts` */
export function costOf(file: string): Cost {
  return { ...USUAL, ...COSTS[file] };
}

/** Files with a cost of their own: none may be named that is not there. */
export const scheduledFiles: readonly string[] = Object.keys(COSTS);
