// Starts the node agent: a runtime, a Node, a worker for each Pod, the forwarders and the tunnel. The composition root of this folder;
// it meets the server only through the kubeconfig it is given.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import { HttpClient } from '../machinery/client.ts';
import { EventRecorder } from '../machinery/events.ts';
import { Informer } from '../machinery/informer.ts';
import { loadConnection } from '../machinery/kubeconfig.ts';
import { PODS, SERVICES } from '../machinery/resources.ts';
import { findLogins } from '../registry/logins.ts';
import { bootID } from '../runtimes/process-table.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import type { AgentContext } from './context.ts';
import { EndpointTable } from './endpoints.ts';
import { startIngress } from './ingress/start-ingress.ts';
import { LocalInstances } from './local-instances.ts';
import { COLLECTION_DEFAULTS } from './image-collection.ts';
import type { ImageCollectionSettings } from './image-collection.ts';
import { collectImages } from './image-collector.ts';
import { OwnImages } from './own-images.ts';
import { agentMetrics } from './metrics.ts';
import type { NamedService } from './names/service-ports.ts';
import { startNames } from './names/start-names.ts';
import { keepNodeAlive, leaveNode, registerNode, reportImages } from './node.ts';
import type { NodeOptions } from './node.ts';
import type { Pod } from './pod.ts';
import { offersPort } from './peers/offers-port.ts';
import { PEER_ANNOTATION } from './peers/peer-mesh.ts';
import { startPeers } from './peers/start-peers.ts';
import type { PeerSettings } from './peers/start-peers.ts';
import { ImageReceiver } from './image-receiver.ts';
import { StagedBlobs } from './staged-blobs.ts';
import { PodManager } from './pod-manager.ts';
import { openRuntime } from './open-runtime.ts';
import type { RuntimeChoice } from './open-runtime.ts';
import { SessionError } from './session-request.ts';
import type { LogRequest } from './session-request.ts';
import { openStream } from './open-stream.ts';
import { runTunnel } from './tunnel.ts';
import { machineUsage } from './usage/machine-usage.ts';
import { UsageMeter } from './usage/usage-meter.ts';

export interface AgentOptions {
  /** Path of the kubeconfig with this node's certificate. */
  readonly kubeconfig: string;
  readonly nodeName: string;
  /** Of this program: `0.1.0`. */
  readonly windlassVersion: string;
  readonly dataDir: string;
  readonly runtime: RuntimeChoice;
  /** Address of this machine that ingress listens on; 127.0.0.1 when absent. */
  readonly ingressBind?: string;
  /** Under which services have names. */
  readonly clusterDomain: string;
  /** Where agents of other machines find this one. */
  readonly peers?: PeerSettings;
  /** When images that nobody uses are removed; those of upstream's kubelet by default. */
  readonly imageCollection?: Partial<ImageCollectionSettings>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  /** Of this process; processes of Pods inherit PATH, HOME, LANG and the like from it, nothing else. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where `docker login` of the user who runs us keeps its logins; absent: there are none. */
  readonly dockerFolder?: string | undefined;
}

export interface Agent {
  /** Ends the agent. With `stopContainers` they are stopped gracefully, in parallel; Pods stay, and the next start runs them again. */
  close(options: { readonly stopContainers: boolean }): Promise<void>;
}

const LEAVE_LIMIT_MS = 2_000;
const SERVICES_LIMIT_MS = 3_000;
/** How long the instances go on for connections of other machines when the agent ends. */
const PEERS_LEAVE_LIMIT_MS = 3_000;

/** @throws Error when the runtime does not work here or the server refuses the node */
export async function startAgent(options: AgentOptions, signal: AbortSignal): Promise<Agent> {
  const { clock, logger, nodeName, metrics } = options;
  const nodeFolder = join(options.dataDir, 'node');
  await mkdir(nodeFolder, { recursive: true, mode: 0o700 });
  const agentID = await stableID(join(nodeFolder, 'id'));
  // What was opened is closed when the rest cannot be.
  await using opened = new AsyncDisposableStack();
  const runtime = await openRuntime({ ...options, directory: nodeFolder, owner: agentID }, signal);
  opened.use(runtime);
  const connection = await loadConnection(options.kubeconfig);
  const random = (): number => Number.parseInt(systemIds.hex(8), 16) / 2 ** 32;
  const client = new HttpClient({
    connection,
    clock,
    metrics,
    userAgent: 'windlass-agent',
    random,
  });
  opened.use(client);
  const lifetime = new AbortController();
  const life = AbortSignal.any([signal, lifetime.signal]);
  let tasks: readonly Promise<unknown>[] = [];
  opened.defer(async () => {
    lifetime.abort(new Error('the agent could not start'));
    await Promise.allSettled(tasks);
  });

  const recorder = new EventRecorder({
    client,
    clock,
    ids: systemIds,
    logger,
    component: 'windlass-agent',
  });
  const ownImages = await OwnImages.open(join(nodeFolder, 'images.json'), logger);
  const environment = options.environment ?? {};
  const loginsOptions = { client, clock, logger, dockerFolder: options.dockerFolder, environment };
  const base: AgentContext = {
    client,
    runtime,
    clock,
    ids: systemIds,
    logger,
    metrics: agentMetrics(metrics, nodeName),
    events: {
      normal: (pod, reason, message) => recorder.record(PODS, pod, 'Normal', reason, message),
      warning: (pod, reason, message) => recorder.record(PODS, pod, 'Warning', reason, message),
    },
    nodeName,
    hostIP: ownAddress(),
    folderOf: (podUID) => join(nodeFolder, 'pods', podUID),
    findLogins: (image, secrets, until) => findLogins(loginsOptions, image, secrets, until),
    imageCame: (id, name) => ownImages.add(id, name, clock.now()),
    claimsFolder: join(nodeFolder, 'volumes'),
  };
  const description: NodeOptions = {
    client,
    clock,
    logger,
    nodeName,
    hostIP: base.hostIP,
    runtimeVersion: runtime.version,
    windlassVersion: options.windlassVersion,
    machineID: agentID,
    bootID: await bootID(),
    images: runtime.images,
  };
  const blobs = new StagedBlobs(join(nodeFolder, 'pushed-images'));
  await blobs.sweep(clock.now());
  const images = new ImageReceiver({
    blobs,
    store: runtime.images,
    runtimeName: runtime.name,
    clock,
    changed: (id, name, isNew) => {
      // What somebody else brought here stays, whatever it is called.
      if (isNew) void context.imageCame(id, name).catch(() => undefined);
      void reportImages(node, life);
    },
  });

  const informerOptions = { client, clock, logger, random };
  const pods = new Informer<Pod>({
    ...informerOptions,
    resource: PODS,
    selectors: { fieldSelector: `spec.nodeName=${nodeName}` },
  });
  const services = new Informer<NamedService>({ ...informerOptions, resource: SERVICES });
  const endpoints = new EndpointTable({
    activeRevision: (namespace, name) =>
      services.cache.get(namespace, name)?.status?.activeRevision,
  });
  const ingress = startIngress(
    {
      client,
      connection,
      clock,
      logger,
      metrics,
      random,
      nodeName,
      address: options.ingressBind ?? '127.0.0.1',
      folder: join(nodeFolder, 'ingress'),
      services: () => services.cache.list(),
      endpoints,
      warn: (service, reason, message) =>
        recorder.record(SERVICES, service, 'Warning', reason, message),
    },
    life,
  );
  opened.defer(() => ingress.close());
  const names = await startNames({
    domain: options.clusterDomain,
    clock,
    logger,
    metrics,
    runtime,
    endpoints,
    services: () => services.cache.list(),
    service: (namespace, name) => services.cache.get(namespace, name),
    warn: (service, reason, message) =>
      recorder.record(SERVICES, service, 'Warning', reason, message),
    folder: join(nodeFolder, 'names'),
    agentID,
  });
  opened.defer(() => names.close());
  const context: AgentContext = { ...base, names };
  const syncNames = (): void =>
    names.sync(new Set(pods.cache.list().map(({ metadata }) => metadata.namespace ?? 'default')));
  const manager = new PodManager(
    {
      context,
      informer: pods,
      drain: (podUID, limitMs) => endpoints.drain(podUID, limitMs),
      changed: () => {
        endpoints.changed();
        peers.announce();
      },
    },
    life,
  );
  const local = new LocalInstances(() => manager.workers());
  endpoints.addSource(local);
  const peers = await startPeers({
    settings: options.peers ?? {},
    connection,
    client,
    nodeName,
    hostIP: base.hostIP,
    clock,
    logger,
    metrics,
    random,
    endpoints,
    local,
    offers: (instance, port) =>
      offersPort(
        manager.find(instance.podUID)?.pod,
        services.cache.get(instance.namespace, instance.service),
        port,
      ),
  });
  opened.defer(() => peers.close());
  const node = { ...description, annotations: { [PEER_ANNOTATION]: peers.address } };
  await registerNode(node, life);
  services.onChange(() => {
    endpoints.changed();
    ingress.sync();
    syncNames();
  });

  const { imageKeeper } = runtime;
  const collector = {
    own: ownImages,
    settings: { ...COLLECTION_DEFAULTS, ...options.imageCollection },
    clock,
    logger,
    collected: context.metrics.collectedImages,
  };
  tasks = [
    ...(imageKeeper === undefined
      ? []
      : [collectImages({ ...collector, keeper: imageKeeper }, life)]),
    recorder.run(life),
    pods.run(life),
    services.run(life),
    peers.run(life),
    keepNodeAlive(node, life),
    runTunnel(
      {
        connection,
        nodeName,
        clock,
        logger,
        random,
        openLog: (request, ended) => openLog(manager, runtime, request, ended),
        openStream: (request) => openStream(runtime, request),
        images,
        usage: new UsageMeter({ runtime, clock, machine: machineUsage }),
      },
      life,
    ),
  ];
  await pods.synced(life);
  // Instances are told of the services that exist; on a server that knows none, they need not wait.
  await Promise.race([services.synced(life), sleep(clock, SERVICES_LIMIT_MS, life)]);
  syncNames();
  manager.start();
  logger.info('Node agent started', { node: nodeName, runtime: runtime.version });
  opened.move();

  return {
    async close({ stopContainers }) {
      // No new connections; those that are open may finish while their instances do.
      await ingress.refuse();
      if (stopContainers) await peers.leave(PEERS_LEAVE_LIMIT_MS);
      const closing = manager.close(stopContainers);
      endpoints.changed();
      peers.announce();
      await closing;
      await ingress.close();
      await names.close();
      await peers.close();
      lifetime.abort(new Error('the agent ends'));
      await Promise.allSettled(tasks);
      await leaveInTime(node);
      await runtime[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
    },
  };
}

async function openLog(
  manager: PodManager,
  runtime: Runtime,
  request: LogRequest,
  signal: AbortSignal,
): Promise<Readable> {
  const { container, pod, uid } = request;
  const of = (await runtime.list())
    .filter(({ identity }) => identity.podUID === uid && identity.container === container)
    .toSorted((a, b) => b.identity.attempt - a.identity.attempt);
  const found = of[request.previous ? 1 : 0];
  if (found !== undefined) return runtime.logs(found.id, request.options, signal);
  const state = manager
    .find(uid)
    ?.pod.status?.containerStatuses?.find(({ name }) => name === container)?.state;
  const why = state?.waiting?.message ?? state?.waiting?.reason ?? 'it has not been started';
  throw request.previous
    ? new SessionError(
        400,
        'BadRequest',
        `previous terminated container "${container}" in pod "${pod}" not found`,
      )
    : new SessionError(
        400,
        'BadRequest',
        `container "${container}" in pod "${pod}" is waiting to start: ${why}`,
      );
}

/** A server that does not answer must not hold up the end; it notices by the Lease. */
async function leaveInTime(node: NodeOptions): Promise<void> {
  const limit = new AbortController();
  const cancel = node.clock.schedule(LEAVE_LIMIT_MS, () => limit.abort(new Error('no answer')));
  try {
    await leaveNode(node, limit.signal);
  } catch (error) {
    node.logger.warn('Cannot tell the server that this node stops', { error });
  } finally {
    cancel();
  }
}

/** Made once, kept with the data: containers of Docker belong to it. */
async function stableID(path: string): Promise<string> {
  try {
    await writeFile(path, systemIds.hex(32), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return (await readFile(path, 'utf8')).trim();
}

/** The first IPv4 address of a real interface; a machine without a network has only itself. */
function ownAddress(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    const found = addresses?.find(({ family, internal }) => family === 'IPv4' && !internal);
    if (found !== undefined) return found.address;
  }
  return '127.0.0.1';
}
