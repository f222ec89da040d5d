// `windlass controllers`: the controllers alone, against any Kubernetes API server.
import { startControllers } from '#controllers/start.ts';
import { systemClock } from '#platform/clock.ts';
import { createLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, kubeconfigOf } from '../connect.ts';
import { registriesOf } from '../registries.ts';
import { runUntilStopped } from '../run-until-stopped.ts';
import { upOptions } from './up-options.ts';

export const controllers = defineCommand({
  help: helpOf.controllers,
  options: {
    ...clientOptions,
    only: {
      type: 'list',
      placeholder: 'NAME',
      help: 'Run this controller and no other that is not named too',
    },
    'cluster-domain': upOptions['cluster-domain'],
    'log-format': upOptions['log-format'],
    'log-level': { ...upOptions['log-level'], default: 'info' },
  },
  run(values, _words, io) {
    const logger = createLogger({ format: values['log-format'], level: values['log-level'] });
    return runUntilStopped(io, logger, (signal) =>
      startControllers(
        {
          kubeconfig: kubeconfigOf(values),
          logger,
          clock: systemClock,
          metrics: new MetricsRegistry(),
          clusterDomain: values['cluster-domain'],
          registries: registriesOf(io.environment),
          ...(values.only.length === 0 ? {} : { controllers: [...values.only] }),
        },
        signal,
      ),
    );
  },
});
