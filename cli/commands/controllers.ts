// `windlass controllers`: the controllers alone, against any Kubernetes API server.
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { startControllers } from '#controllers/start.ts';
import { leaderElectionProblem } from '#controllers/machinery/leader-election.ts';
import type { LeaderElectionSettings } from '#controllers/machinery/leader-election.ts';
import { parseDuration } from '#controllers/machinery/duration.ts';
import { systemClock } from '#platform/clock.ts';
import { createLogger } from '#platform/logging.ts';
import { ARTIFACT_STORE_HELP, artifactFilesOption, artifactFolders } from '../artifact-options.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, kubeconfigOf } from '../connect.ts';
import type { OptionTable, OptionValues } from '../options.ts';
import { clusterAuthorities } from '../cluster-authorities.ts';
import { ownProgram } from '../own-program.ts';
import { registriesOf } from '../registries.ts';
import { runUntilStopped } from '../run-until-stopped.ts';
import { servePart } from '../serving/serve-part.ts';
import { servingAddress, servingOptions } from '../serving/serving-options.ts';
import { UsageError } from '../usage-error.ts';
import { programVersion } from '../versions.ts';
import { upOptions } from './up-options.ts';

/** As kube-controller-manager has them. */
const leaderOptions = {
  'leader-elect': {
    type: 'boolean',
    default: true,
    help: 'Work only while no other controllers process of this server does; --leader-elect=false where there is none',
  },
  'leader-elect-lease-duration': {
    type: 'string',
    placeholder: 'DURATION',
    default: '15s',
    help: 'How long others wait after the last sign of life of the leader',
  },
  'leader-elect-renew-deadline': {
    type: 'string',
    placeholder: 'DURATION',
    default: '10s',
    help: 'A leader that cannot renew its Lease for so long stops',
  },
  'leader-elect-retry-period': {
    type: 'string',
    placeholder: 'DURATION',
    default: '2s',
    help: 'Between attempts to become and to stay the leader',
  },
  'leader-elect-resource-name': {
    type: 'string',
    placeholder: 'NAME',
    default: 'windlass-controllers',
    help: 'Name of the Lease; processes that run different controllers (--only) need different ones',
  },
  'leader-elect-resource-namespace': {
    type: 'string',
    placeholder: 'NAMESPACE',
    default: 'kube-system',
    help: 'Namespace of the Lease',
  },
} as const satisfies OptionTable;

export const controllers = defineCommand({
  help: helpOf.controllers,
  options: {
    ...clientOptions,
    only: {
      type: 'list',
      placeholder: 'NAME',
      help: 'Run this controller and no other that is not named too (default: all on a server of Windlass, those of our kinds on any other)',
    },
    ...leaderOptions,
    'artifact-store': {
      type: 'string',
      placeholder: 'DIR',
      default: '.windlass/artifacts',
      help: ARTIFACT_STORE_HELP,
    },
    ...artifactFilesOption,
    'cluster-domain': upOptions['cluster-domain'],
    ...servingOptions,
    'log-format': upOptions['log-format'],
    'log-level': { ...upOptions['log-level'], default: 'info' },
  },
  run(values, _words, io) {
    const logger = createLogger({ format: values['log-format'], level: values['log-level'] });
    const leaderElection = leaderElectionOf(values);
    const registries = registriesOf(io.environment);
    // What is wrong with the flags first.
    const address = servingAddress(values['metrics-bind']);
    const kubeconfig = kubeconfigOf(values);
    const serving = { address, kubeconfig, clock: systemClock, logger };
    return runUntilStopped(io, logger, (signal) =>
      servePart(serving, (newRegistry) =>
        startControllers(
          {
            kubeconfig,
            logger,
            clock: systemClock,
            metrics: newRegistry(),
            clusterDomain: values['cluster-domain'],
            registries,
            artifacts: {
              ...registries,
              folder: resolve(values['artifact-store']),
              files: artifactFolders(values['artifact-files'], []),
            },
            authorities: clusterAuthorities(systemClock),
            program: ownProgram(),
            windlassVersion: programVersion(),
            ...(leaderElection === undefined
              ? {}
              : { leaderElection: { ...leaderElection, hostname: hostname() } }),
            ...(values.only.length === 0 ? {} : { controllers: [...values.only] }),
          },
          signal,
        ),
      ),
    );
  },
});

type LeaderValues = OptionValues<typeof leaderOptions>;

function leaderElectionOf(values: LeaderValues): LeaderElectionSettings | undefined {
  if (!values['leader-elect']) return undefined;
  const settings = {
    namespace: values['leader-elect-resource-namespace'],
    name: values['leader-elect-resource-name'],
    leaseDurationMs: durationOf(values, 'leader-elect-lease-duration'),
    renewDeadlineMs: durationOf(values, 'leader-elect-renew-deadline'),
    retryPeriodMs: durationOf(values, 'leader-elect-retry-period'),
  };
  const problem = leaderElectionProblem(settings);
  if (problem === undefined) return settings;
  throw new UsageError(`--leader-elect-…: ${problem}`);
}

function durationOf(
  values: LeaderValues,
  flag: 'leader-elect-lease-duration' | 'leader-elect-renew-deadline' | 'leader-elect-retry-period',
): number {
  const duration = parseDuration(values[flag]);
  if (duration !== undefined) return duration;
  throw new UsageError(
    `--${flag} must be a duration as 15s or 1m30s, found ${JSON.stringify(values[flag])}`,
  );
}
