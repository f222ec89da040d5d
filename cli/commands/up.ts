// `windlass up`: API server in this thread; controllers, node agent and manifests in one thread beside it. The main composition root.
import { startControlPlane } from '#controlplane/start.ts';
import type { ControlPlane } from '#controlplane/start.ts';
import { systemClock } from '#platform/clock.ts';
import { createLogger } from '#platform/logging.ts';
import type { Logger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { stuckThreads } from '#platform/stuck-threads.ts';
import { artifactStoreIn } from '../artifact-options.ts';
import { defineCommand } from '../command.ts';
import type { CommandIO } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { lockDataDirectory, prepareDataDirectory } from '../data-directory.ts';
import { feedWatchdog, notifyReady } from '../notify-systemd.ts';
import { ownKinds } from '../own-kinds.ts';
import { createProgress } from '../progress.ts';
import type { Progress } from '../progress.ts';
import { aborted, closeInTime } from '../run-until-stopped.ts';
import { startFailure } from '../start-failure.ts';
import { SupervisedThread } from '../supervised-thread.ts';
import type { FromThread, ThreadData } from '../thread-messages.ts';
import { CommandError } from '../usage-error.ts';
import { programVersion } from '../versions.ts';
import { closingScreen } from './up-screen.ts';
import { upOptions, upSettings } from './up-options.ts';
import type { UpSettings } from './up-options.ts';

export const up = defineCommand({
  help: helpOf.up,
  options: upOptions,
  async run(values, _words, io) {
    const settings = upSettings(values, io.environment);
    const stop = io.stopSignal();
    prepareDataDirectory(settings.data);
    const unlock = lockDataDirectory(settings.data);
    try {
      return await serve(settings, io, stop);
    } catch (error) {
      // Stopped while it was starting.
      if (error === stop.reason) return 0;
      throw error;
    } finally {
      // Removing a file from a disk that hangs would hang us, too; the next start sees that its process is gone.
      if (stuckThreads().length === 0) unlock();
    }
  },
});

async function serve(settings: UpSettings, io: CommandIO, stop: AbortSignal): Promise<number> {
  const progress = createProgress(io.out, io.columns);
  const sharesTerminal = io.columns !== undefined && io.errIsTerminal;
  const write = (text: string): void => progress.say(text.trimEnd());
  const onError = sharesTerminal ? write : undefined;
  const logger = createLogger({
    format: settings.logFormat,
    level: settings.logLevel,
    ...(sharesTerminal ? { write } : {}),
  });
  const storage = Promise.withResolvers<never>();
  // Raced below; until then nobody listens, and that is no defect.
  storage.promise.catch(() => undefined);
  let thread: SupervisedThread | undefined;
  const server = await startServer(settings, logger, stop, {
    extraMetrics: async () => thread?.metrics() ?? '',
    onFailure: storage.reject,
    onCertificatesChanged: () => void thread?.restart(),
  });
  try {
    // Once, when it is made: whoever loses it loses the Secrets.
    if (server.secretsKeyMadeIn !== undefined && settings.secretsKeys[0]?.type === 'file')
      io.out(`made ${server.secretsKeyMadeIn}, which Secrets are sealed with; keep a copy\n`);
    io.out(`ready ${server.url}\n`);
    void notifyReady(io.environment, server.url, logger);
    feedWatchdog(io.environment, systemClock, logger);
    thread = await beside(settings, server, io, { logger, progress, onError });
    const running = thread?.start().then(() => aborted(stop));
    await Promise.race([running ?? aborted(stop), aborted(stop), storage.promise]);
  } catch (error) {
    await stopAll(thread, server, logger);
    throw new CommandError((error as Error).message, undefined, { cause: error });
  }
  io.out(
    `${io.columns === undefined ? '' : '\n'}stopping; the state stays in ${settings.data.path}\n`,
  );
  return stopAll(thread, server, logger);
}

async function startServer(
  settings: UpSettings,
  logger: Logger,
  stop: AbortSignal,
  hooks: {
    readonly extraMetrics: () => Promise<string>;
    readonly onFailure: (error: Error) => void;
    readonly onCertificatesChanged: () => void;
  },
): Promise<ControlPlane> {
  const metrics = new MetricsRegistry();
  metrics.collectProcessMetrics();
  try {
    return await startControlPlane(
      {
        dataDir: settings.data.path,
        bind: settings.bind,
        port: settings.port,
        persistence: [...settings.persistence],
        secretsKeys: settings.secretsKeys,
        sealKinds: settings.sealKinds,
        relaxed: settings.relaxed,
        replication: settings.replication,
        authentication: settings.authentication,
        ...(settings.audit === undefined ? {} : { audit: settings.audit }),
        console: settings.hasConsole,
        maxRequestsInFlight: settings.maxRequestsInFlight,
        ownKinds: ownKinds(),
        bootstrapObjects: settings.seed === undefined ? [] : [settings.seed.token],
        ...(settings.seed === undefined ? {} : { authority: settings.seed.authority }),
        logger: logger.child({ component: 'controlplane' }),
        clock: systemClock,
        metrics,
        ...hooks,
        version: programVersion(),
      },
      stop,
    );
  } catch (error) {
    throw startFailure(error, settings.data.path);
  }
}

interface Screen {
  readonly logger: Logger;
  readonly progress: Progress;
  /** Takes the log of the thread where it would tear the lines of `progress`. */
  readonly onError: ((text: string) => void) | undefined;
}

async function beside(
  settings: UpSettings,
  server: ControlPlane,
  io: CommandIO,
  { logger, progress, onError }: Screen,
): Promise<SupervisedThread | undefined> {
  const { runControllers, runNode, manifests, nodeName, runtime, clusterDomain } = settings;
  const { ingressBind, peers, imageCollection } = settings;
  // Written even where the part runs elsewhere: `windlass controllers` and `windlass node run` then take them.
  const controllersKubeconfig = await server.controllersKubeconfig();
  const nodeKubeconfig = await server.nodeKubeconfig(nodeName);
  if (!runControllers && !runNode && manifests.length === 0) return undefined;
  const data: ThreadData = {
    ...(runControllers
      ? {
          controllers: {
            kubeconfig: controllersKubeconfig,
            clusterDomain,
            artifacts: {
              folder: artifactStoreIn(settings.data.path),
              files: settings.artifactFiles,
            },
          },
        }
      : {}),
    ...(runNode
      ? {
          agent: {
            kubeconfig: nodeKubeconfig,
            nodeName,
            dataDir: settings.data.path,
            runtime,
            ingressBind,
            peers,
            imageCollection,
            clusterDomain,
          },
        }
      : {}),
    ...(manifests.length === 0
      ? {}
      : { manifests: { kubeconfig: server.adminKubeconfig, paths: manifests } }),
    logFormat: settings.logFormat,
    logLevel: settings.logLevel,
  };
  const onMessage = (message: FromThread): void => {
    if (message.type === 'line') progress.update(message.key, message.text);
    if (message.type === 'say') progress.say(message.text);
    if (message.type === 'rest') progress.freeze();
    if (message.type === 'settled') {
      progress.freeze();
      io.out(closingScreen({ server, services: message.services, manifests }));
    }
  };
  return new SupervisedThread({
    script: new URL('../controllers-thread.ts', import.meta.url),
    data,
    clock: systemClock,
    logger,
    onMessage,
    onError,
  });
}

/** Thread first: its agent still reports to the server while it stops the instances. */
function stopAll(
  thread: SupervisedThread | undefined,
  server: ControlPlane,
  logger: Logger,
): Promise<number> {
  return closeInTime(async () => {
    await thread?.stop(true);
    await server.close();
  }, logger);
}
