// Which logins to try for an image: those of the Secrets that its Pods name, then those of this machine's Docker config.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { ApiObject, ApiResource, Client } from '../machinery/client-types.ts';
import {
  EMPTY_DOCKER_CONFIG,
  helperFor,
  loginsFor,
  parseDockerConfig,
  parsePullSecret,
} from '../machinery/docker-config.ts';
import type { DockerConfig, PullSecret, RegistryLogin } from '../machinery/docker-config.ts';
import type { ImageReference } from '../machinery/image-reference.ts';
import { isForbidden, isNotFound } from '../machinery/request-error.ts';
import { askHelper } from './credential-helper.ts';

const SECRETS: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'secrets',
  kind: 'Secret',
  namespaced: true,
};

export interface LoginsOptions {
  readonly client: Pick<Client, 'get'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where `config.json` is: DOCKER_CONFIG, or `.docker` below the home folder. Absent: that of this machine is not asked. */
  readonly dockerFolder: string | undefined;
  /** For credential helpers. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Whose image it is. */
export interface PullSecrets {
  readonly namespace: string;
  /** Names of Secrets in it. */
  readonly names: readonly string[];
}

/** In the order to try them. What cannot be read is told in the log, and left out. */
export async function findLogins(
  options: LoginsOptions,
  image: ImageReference,
  secrets: PullSecrets,
  signal: AbortSignal,
): Promise<readonly RegistryLogin[]> {
  const logins: RegistryLogin[] = [];
  for (const name of secrets.names) {
    const config = await fromSecret(options, secrets.namespace, name, signal);
    logins.push(...loginsFor(config, image));
  }
  return [...logins, ...(await ofMachine(options, image, signal))];
}

async function fromSecret(
  { client, logger }: LoginsOptions,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<DockerConfig> {
  try {
    return parsePullSecret(
      await client.get<ApiObject & PullSecret>(SECRETS, namespace, name, signal),
    );
  } catch (error) {
    signal.throwIfAborted();
    const isExpected = isNotFound(error) || isForbidden(error);
    logger[isExpected ? 'debug' : 'warn']('Cannot use an image pull secret', {
      namespace,
      secret: name,
      error,
    });
    return EMPTY_DOCKER_CONFIG;
  }
}

async function ofMachine(
  options: LoginsOptions,
  image: ImageReference,
  signal: AbortSignal,
): Promise<readonly RegistryLogin[]> {
  const { dockerFolder, logger } = options;
  if (dockerFolder === undefined) return [];
  const path = join(dockerFolder, 'config.json');
  try {
    // Read each time: `docker login` changes it, and it is small.
    const config = parseDockerConfig(await readFile(path, 'utf8'));
    const helper = helperFor(config, image);
    if (helper === undefined) return loginsFor(config, image);
    const login = await askHelper(helper.helper, helper.address, options, signal);
    return login === undefined ? loginsFor(config, image) : [login];
  } catch (error) {
    signal.throwIfAborted();
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      logger.warn('Cannot use the Docker config of this machine', { path, error });
    return [];
  }
}
