// Reading and changing one service that was named on the command line.
import type { Client } from '#controllers/machinery/client-types.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
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

/** Changes fields of the spec of the service as it was read: if somebody else was faster, the server says so. */
export function patchSpec(
  client: Client,
  { metadata: { namespace = 'default', name, resourceVersion } }: Service,
  spec: object,
  signal: AbortSignal,
): Promise<Service> {
  const patch = { metadata: { resourceVersion }, spec };
  return client.patch<Service>(SERVICES, namespace, name, '', 'merge', patch, signal);
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
