// Flags of the commands that run a node agent, and the agent that they describe.
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { parseDuration } from '#controllers/machinery/duration.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { createLogger } from '#platform/logging.ts';
import type { CommandIO } from '../command.ts';
import {
  clusterDomainOf,
  ingressBind,
  nodeNameOf,
  peerSettings,
  upOptions,
} from '../commands/up-options.ts';
import { dataDirectoryAt, lockDataDirectory, prepareDataDirectory } from '../data-directory.ts';
import { imageCollectionOf, imageCollectionOptions } from '../image-collection-options.ts';
import type { OptionTable, OptionValues } from '../options.ts';
import { registriesOf } from '../registries.ts';
import { runUntilStopped } from '../run-until-stopped.ts';
import { servePart } from '../serving/serve-part.ts';
import { servingAddress, servingOptions } from '../serving/serving-options.ts';
import { UsageError } from '../usage-error.ts';
import { programVersion } from '../versions.ts';
import { runAgent } from './run-agent.ts';

export const agentOptions = {
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
  'certificate-lifetime': {
    type: 'string',
    placeholder: 'DURATION',
    default: '2160h',
    help: 'How long the certificates hold that it asks for; renewed when a fifth is left',
  },
  ...imageCollectionOptions,
  ...servingOptions,
  'log-format': upOptions['log-format'],
  'log-level': { ...upOptions['log-level'], default: 'info' },
} as const satisfies OptionTable;

export type AgentValues = OptionValues<typeof agentOptions>;

/** As upstream: a certificate holds for ten minutes at least. */
const SHORTEST_MS = 600_000;

export interface AgentSettings {
  readonly nodeName: string;
  readonly lifetimeSeconds: number;
  /** Where `node join` puts what it joined with. */
  readonly joined: string;
}

/** @throws UsageError */
export function agentSettings(values: AgentValues): AgentSettings {
  const lifetimeMs = parseDuration(values['certificate-lifetime']);
  if (lifetimeMs === undefined || lifetimeMs < SHORTEST_MS)
    throw new UsageError(
      `--certificate-lifetime must be a duration of 10m or more, such as 2160h, found ${JSON.stringify(values['certificate-lifetime'])}`,
    );
  const nodeName = values['node-name'] ?? nodeNameOf(hostname());
  if (nodeNameOf(nodeName) !== nodeName)
    throw new UsageError(
      `--node-name must be lower case letters, digits, - and ., found ${JSON.stringify(nodeName)}`,
    );
  const joined = join(dataDirectoryAt(values['data-dir']).path, 'node.kubeconfig');
  return { nodeName, lifetimeSeconds: Math.floor(lifetimeMs / 1000), joined };
}

/** @param prepare runs when the data directory is ours, before the agent begins. @returns the exit code */
export async function runAgentCommand(
  values: AgentValues,
  io: CommandIO,
  kubeconfig: string,
  prepare: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  const { nodeName, lifetimeSeconds } = agentSettings(values);
  const address = servingAddress(values['metrics-bind']);
  const directory = dataDirectoryAt(values['data-dir']);
  prepareDataDirectory(directory);
  const unlock = lockDataDirectory(directory);
  const logger = createLogger({ format: values['log-format'], level: values['log-level'] });
  try {
    await prepare(io.stopSignal());
    const serving = { address, kubeconfig, clock: systemClock, logger };
    return await runUntilStopped(io, logger, (signal) =>
      servePart(serving, (newRegistry) =>
        runAgent(
          {
            kubeconfig,
            nodeName,
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
          },
          {
            file: kubeconfig,
            nodeName,
            lifetimeSeconds,
            clock: systemClock,
            ids: systemIds,
            logger,
          },
          newRegistry,
          signal,
        ),
      ),
    );
  } finally {
    unlock();
  }
}

/** What `node join` left, when it did. */
export function joinedKubeconfig({ joined }: AgentSettings): string | undefined {
  return existsSync(joined) ? joined : undefined;
}
