// The thread beside the one that serves requests: controllers, this machine's node agent, and the manifests of `up`. It reaches the
// server only through its HTTPS API. Ends when it is told to, or when the process does.
import { parentPort, workerData } from 'node:worker_threads';
import { startAgent } from '#controllers/agent/start.ts';
import { HttpClient } from '#controllers/machinery/client.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { startControllers } from '#controllers/start.ts';
import { systemClock } from '#platform/clock.ts';
import { createLogger } from '#platform/logging.ts';
import type { Logger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { RolloutFollower } from './apply/follow-rollouts.ts';
import { runManifests } from './apply/manifests.ts';
import { troubledContainer } from './apply/rollout.ts';
import { clusterAuthorities } from './cluster-authorities.ts';
import { ownProgram } from './own-program.ts';
import { registriesOf } from './registries.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';
import { programVersion, userAgent } from './versions.ts';

type Stop = (stopContainers: boolean) => Promise<void>;

const data = workerData as ThreadData;
const port = parentPort;
if (port === null) throw new Error('cli/controllers-thread.ts runs as a worker thread only');
const tell = (message: FromThread): void => port.postMessage(message);

const logger = createLogger({ format: data.logFormat, level: data.logLevel });
const metrics = new MetricsRegistry();
const lifetime = new AbortController();
const stops: Stop[] = [];

async function startManifests(
  { kubeconfig, paths, isApplied = false }: NonNullable<ThreadData['manifests']>,
  log: Logger,
): Promise<Stop> {
  const client = new HttpClient({
    connection: await loadConnection(kubeconfig),
    clock: systemClock,
    // Not ours to count: these are the requests of a person, made for them.
    metrics: new MetricsRegistry(),
    userAgent: userAgent('up'),
    random: Math.random,
    fieldValidation: 'Strict',
  });
  const follower = new RolloutFollower({
    client,
    clock: systemClock,
    logger: log,
    random: Math.random,
    // They have settled once already.
    tell: (message) => (isApplied && message.type === 'settled' ? undefined : tell(message)),
    readLog: (pod, signal) => {
      const { namespace = 'default', name } = pod.metadata;
      const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?tailLines=5`;
      const container = troubledContainer(pod);
      return client.getText(
        container === undefined ? path : `${path}&container=${container}`,
        signal,
      );
    },
  });
  const applied = runManifests(
    { client, clock: systemClock, paths, isApplied, follower, tell },
    lifetime.signal,
  );
  void applied.then(() => follower.start(lifetime.signal));
  return async () => client[Symbol.asyncDispose]();
}

async function start(): Promise<void> {
  const shared = { clock: systemClock, metrics };
  const { signal } = lifetime;
  if (data.controllers !== undefined) {
    const { kubeconfig, clusterDomain, names, artifacts } = data.controllers;
    const registries = registriesOf(process.env);
    const controllers = await startControllers(
      {
        ...shared,
        logger: logger.child({ component: 'controllers' }),
        kubeconfig,
        clusterDomain,
        registries,
        artifacts: { ...artifacts, ...registries },
        authorities: clusterAuthorities(systemClock),
        program: ownProgram(),
        windlassVersion: programVersion(),
        ...(names === undefined ? {} : { controllers: [...names] }),
      },
      signal,
    );
    stops.unshift(() => controllers.close());
  }
  if (data.agent !== undefined) {
    const agent = await startAgent(
      {
        ...shared,
        logger: logger.child({ component: 'agent' }),
        ...registriesOf(process.env),
        windlassVersion: programVersion(),
        ...data.agent,
      },
      signal,
    );
    stops.push((stopContainers) => agent.close({ stopContainers }));
  }
  if (data.manifests !== undefined) stops.unshift(await startManifests(data.manifests, logger));
}

/** Manifests and controllers first, so that nobody replaces the instances that the agent then stops. */
async function stop(stopContainers: boolean): Promise<void> {
  for (const part of stops.splice(0)) {
    try {
      await part(stopContainers);
    } catch (error) {
      logger.warn('A part did not stop cleanly', { error });
    }
  }
  lifetime.abort(new Error('stopping'));
  tell({ type: 'stopped' });
  port?.close();
}

port.on('message', (message: ToThread) => {
  switch (message.type) {
    case 'metrics':
      void metrics.expose().then((text) => tell({ type: 'metrics', id: message.id, text }));
      return;
    case 'stop':
      void stop(message.stopContainers);
  }
});

try {
  await start();
  tell({ type: 'started' });
} catch (error) {
  tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
}
