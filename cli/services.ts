// Reading and changing one service that was named on the command line.
import type { Client } from '#controllers/machinery/client-types.ts';
import { isConflict, isNotFound } from '#controllers/machinery/request-error.ts';
import { SERVICES } from '#controllers/machinery/resources.ts';
import { timestamp } from '#controllers/machinery/timestamps.ts';
import type { Service } from '#controllers/service/types.ts';
import { CommandError } from './usage-error.ts';

/** @throws CommandError when there is none of that name */
export async function readService(
  client: Client,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Service> {
  try {
    return await client.get<Service>(SERVICES, namespace, name, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new CommandError(
      `there is no service ${name} in namespace ${namespace}`,
      'windlass status lists the services; --namespace names another namespace.',
      { cause: error },
    );
  }
}

/** How often somebody may be faster with what is no change of the spec, as the controller is with the status. */
const ATTEMPTS = 10;

/** Changes fields of the spec of the service as it was read: if somebody else has changed the spec since, the server says so. */
export async function patchSpec(
  client: Client,
  read: Pick<Service, 'metadata'>,
  spec: object,
  signal: AbortSignal,
): Promise<Service> {
  const { namespace = 'default', name, generation, uid } = read.metadata;
  let { resourceVersion } = read.metadata;
  for (let attempt = 1; ; attempt += 1) {
    const patch = { metadata: { resourceVersion }, spec };
    try {
      return await client.patch<Service>(SERVICES, namespace, name, '', 'merge', patch, signal);
    } catch (error) {
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
      const { metadata } = await client.get<Service>(SERVICES, namespace, name, signal);
      if (metadata.generation !== generation || metadata.uid !== uid) throw error;
      ({ resourceVersion } = metadata);
    }
  }
}

/**
 * Makes a template a new revision without changing what it runs: `kubectl rollout restart`'s annotation.
 *
 * @param now milliseconds since the epoch
 */
export function restartedTemplate(now: number): object {
  return {
    metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': timestamp(now) } },
  };
}
