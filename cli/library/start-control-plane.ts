// `import { startControlPlane } from 'windlass'`: a control plane inside somebody else's process, for the tests of operators and of
// whatever else speaks to a Kubernetes API. The API server runs in the calling thread, the controllers in one beside it.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startControlPlane as startServer } from '#controlplane/start.ts';
import type { ControlPlane as Server } from '#controlplane/start.ts';
import { systemClock } from '#platform/clock.ts';
import { createLogger } from '#platform/logging.ts';
import type { Logger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { artifactStoreIn } from '../artifact-options.ts';
import { dataDirectoryAt, lockDataDirectory, prepareDataDirectory } from '../data-directory.ts';
import { ownKinds } from '../own-kinds.ts';
import { SupervisedThread } from '../supervised-thread.ts';
import { programVersion } from '../versions.ts';
import { checkOptions } from './control-plane-options.ts';
import type { ControlPlaneOptions } from './control-plane-options.ts';

export type { ControlPlaneOptions };

/** A control plane that runs. `await using` stops it at the end of the block. */
export interface ControlPlane extends AsyncDisposable {
  /** `https://127.0.0.1:40123` */
  readonly url: string;
  /** YAML of a kubeconfig whose user may do everything: for `KubeConfig.loadFromString`. */
  readonly kubeconfig: string;
  /** The same in a file that only this user may read: for `kubectl --kubeconfig`. */
  readonly kubeconfigFile: string;
  /** Ends it and, unless `dataDir` was given, removes its data. Resolves when that is done; calling it again is harmless. */
  stop(): Promise<void>;
}

/**
 * Starts a control plane on 127.0.0.1. It resolves when the server answers; controllers begin a moment later.
 *
 * @throws TypeError naming the option that is wrong; Error naming what stands in the way: a port in use, a data directory that another
 *   process has, a disk that is full
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const settings = checkOptions(options);
  const logger = createLogger({ format: 'text', level: settings.logLevel });
  await using cleanup = new AsyncDisposableStack();
  const folder = settings.dataDir ?? (await temporaryFolder(cleanup));
  const directory = dataDirectoryAt(join(folder, settings.dataDir === undefined ? 'data' : ''));
  prepareDataDirectory(directory);
  cleanup.defer(take(directory.path));
  cleanup.defer(lockDataDirectory(directory));

  let thread: SupervisedThread | undefined;
  const server = await startServer(
    {
      dataDir: directory.path,
      bind: '127.0.0.1',
      port: settings.port,
      persistence: [`sqlite:${join(directory.path, 'state.db')}`],
      secretsKeys: [{ type: 'file', path: `${directory.path}.key` }],
      ownKinds: settings.controllers ? ownKinds() : [],
      bootstrapObjects: settings.objects,
      version: programVersion(),
      logger: logger.child({ component: 'controlplane' }),
      clock: systemClock,
      metrics: new MetricsRegistry(),
      extraMetrics: async () => thread?.metrics() ?? '',
    },
    new AbortController().signal,
  );
  cleanup.defer(() => server.close());
  if (settings.controllers) {
    thread = await controllersOf(server, directory.path, logger, settings.logLevel);
    cleanup.defer(() => thread?.stop(true));
  }

  const kubeconfig = await readFile(server.adminKubeconfig, 'utf8');
  const running = cleanup.move();
  const stop = (): Promise<void> => running.disposeAsync();
  return {
    url: server.url,
    kubeconfig,
    kubeconfigFile: server.adminKubeconfig,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Folders of this process: the lock in a folder is for other processes. */
const taken = new Set<string>();

function take(path: string): () => void {
  if (taken.has(path))
    throw new Error(
      `startControlPlane: dataDir ${path} has another control plane of this process; stop() that first`,
    );
  taken.add(path);
  return () => void taken.delete(path);
}

async function temporaryFolder(cleanup: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function controllersOf(
  server: Server,
  dataDir: string,
  logger: Logger,
  logLevel: ReturnType<typeof checkOptions>['logLevel'],
): Promise<SupervisedThread> {
  const thread = new SupervisedThread({
    script: new URL('../controllers-thread.ts', import.meta.url),
    data: {
      controllers: {
        kubeconfig: await server.controllersKubeconfig(),
        clusterDomain: 'internal',
        artifacts: { folder: artifactStoreIn(dataDir), files: [] },
      },
      logFormat: 'text',
      logLevel,
    },
    clock: systemClock,
    logger,
    onMessage: () => undefined,
  });
  // What they cannot do the objects and the log say; the server answers all the same.
  thread.start().catch((error: unknown) => logger.error('The controllers do not run', { error }));
  return thread;
}
