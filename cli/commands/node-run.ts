// `windlass node run`: the node agent alone, with a kubeconfig whose certificate is that of the node.
import { hostname } from 'node:os';
import { startAgent } from '#controllers/agent/start.ts';
import { systemClock } from '#platform/clock.ts';
import { createLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { lockDataDirectory, prepareDataDirectory, dataDirectoryAt } from '../data-directory.ts';
import { imageCollectionOf, imageCollectionOptions } from '../image-collection-options.ts';
import { registriesOf } from '../registries.ts';
import { runUntilStopped } from '../run-until-stopped.ts';
import { UsageError } from '../usage-error.ts';
import { programVersion } from '../versions.ts';
import { clusterDomainOf, ingressBind, nodeNameOf, peerSettings, upOptions } from './up-options.ts';

export const nodeRun = defineCommand({
  help: helpOf.nodeRun,
  options: {
    kubeconfig: {
      type: 'string',
      placeholder: 'FILE',
      help: 'Which server, as which node (required)',
    },
    'node-name': {
      type: 'string',
      placeholder: 'NAME',
      help: 'Name of this node (default: the host name); the certificate must be for it',
    },
    'data-dir': { ...upOptions['data-dir'], default: '.windlass-node' },
    runtime: upOptions.runtime,
    'ingress-bind': upOptions['ingress-bind'],
    'cluster-domain': upOptions['cluster-domain'],
    'peer-bind': {
      type: 'string',
      placeholder: 'ADDRESS',
      help: 'Address to listen on for agents of other machines (default: the one towards the server)',
    },
    'peer-port': upOptions['peer-port'],
    'peer-address': upOptions['peer-address'],
    ...imageCollectionOptions,
    'log-format': upOptions['log-format'],
    'log-level': { ...upOptions['log-level'], default: 'info' },
  },
  async run(values, _words, io) {
    const { kubeconfig } = values;
    if (kubeconfig === undefined)
      throw new UsageError('--kubeconfig is missing: windlass node run');
    const directory = dataDirectoryAt(values['data-dir']);
    prepareDataDirectory(directory);
    const unlock = lockDataDirectory(directory);
    const logger = createLogger({ format: values['log-format'], level: values['log-level'] });
    try {
      return await runUntilStopped(io, logger, async (signal) => {
        const agent = await startAgent(
          {
            kubeconfig,
            nodeName: values['node-name'] ?? nodeNameOf(hostname()),
            windlassVersion: programVersion(),
            dataDir: directory.path,
            runtime: values.runtime,
            ingressBind: ingressBind(values['ingress-bind']),
            clusterDomain: clusterDomainOf(values['cluster-domain']),
            peers: {
              ...peerSettings(values['peer-port'], values['peer-address']),
              ...(values['peer-bind'] === undefined ? {} : { bind: values['peer-bind'] }),
            },
            imageCollection: imageCollectionOf(values),
            ...registriesOf(io.environment),
            logger,
            clock: systemClock,
            metrics: new MetricsRegistry(),
          },
          signal,
        );
        return { close: () => agent.close({ stopContainers: true }) };
      });
    } finally {
      unlock();
    }
  },
});
