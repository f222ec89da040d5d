// Streams of Pods and calls of nodes, as webhooks and policies are asked about them: CONNECT, with the options of the query as object.
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { UserInfo } from '../api/user.ts';
import type { WriteContext } from '../registry/types.ts';

import type { Audit } from './audit/auditor.ts';
import { isTrue } from './decode-request.ts';
import type { RequestInfo } from './request-info.ts';
import type { Services } from './services.ts';

interface ConnectOptions {
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** Until then somebody must have said yes: an upgrade has no time of its own. */
const TIMEOUT_MS = 60_000;

/** @throws ApiError of whoever refuses */
export async function admitConnect(
  { registry, clock, logger }: Pick<Services, 'registry' | 'clock' | 'logger'>,
  info: RequestInfo,
  definition: ResourceDefinition,
  user: UserInfo,
  audit: Audit | undefined,
  options: ConnectOptions,
): Promise<void> {
  const object = { apiVersion: 'v1', ...options } as unknown as KubernetesObject;
  const target = { definition, namespace: info.namespace, name: info.name };
  const late = new AbortController();
  const context: WriteContext = {
    user,
    dryRun: false,
    fieldValidation: 'Ignore',
    fieldManager: '',
    deadline: clock.monotonic() + TIMEOUT_MS,
    annotate: (key, value) => audit?.annotate(key, value),
    // There is no answer that could carry them.
    warn: (text) => logger.debug('A warning about a stream', { text }),
    signal: late.signal,
  };
  await registry.admit('CONNECT', target, info.subresource, object, context);
}

const KINDS: Readonly<Record<string, string>> = {
  attach: 'PodAttachOptions',
  exec: 'PodExecOptions',
  portforward: 'PodPortForwardOptions',
};

/** The query of an exec, attach or port-forward in the form of its kind. */
export function streamOptions({ subresource, query }: RequestInfo): ConnectOptions {
  const kind = KINDS[subresource] ?? 'PodExecOptions';
  if (kind === 'PodPortForwardOptions') {
    const ports = query.getAll('ports').flatMap((text) => text.split(',').map(Number));
    return { kind, ...(ports.length === 0 ? {} : { ports }) };
  }
  const container = query.get('container') ?? '';
  const command = query.getAll('command');
  const flags = ['stdin', 'stdout', 'stderr', 'tty'].filter((flag) => isTrue(query.get(flag)));
  return {
    kind,
    ...Object.fromEntries(flags.map((flag) => [flag, true])),
    ...(container === '' ? {} : { container }),
    ...(subresource === 'exec' ? { command } : {}),
  };
}
