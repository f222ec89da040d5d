// GET pods/<name>/log: checks the options, asks the Pod's node over its tunnel, and passes the bytes on.
import { badRequest, notFound } from '../../api/errors.ts';
import type { KubernetesObject } from '../../api/object.ts';
import { parseTimestamp } from '../../api/timestamps.ts';

import type { Handler, RequestContext } from '../context.ts';
import { booleanParameter, integerParameter } from '../list-options.ts';
import { TEXT_TYPE, baseHeaders } from '../respond.ts';
import type { Services } from '../services.ts';
import { parseStored } from '../representation.ts';
import { definitionOf } from './get.ts';
import { drained } from './list.ts';

interface PodView extends KubernetesObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly containers?: readonly { readonly name: string }[];
    readonly initContainers?: readonly { readonly name: string }[];
  };
}

export function logHandler(services: Services): Handler {
  return async (context) => {
    const definition = definitionOf(context);
    const { namespace, name, query } = context.info;
    const stored = services.store.get(definition.storageKey, namespace, name);
    if (stored === undefined) throw notFound(definition, name);
    const pod = parseStored(definition, stored) as PodView;
    const container = containerOf(pod, query.get('container') ?? '');
    const options = optionsOf(query, services.clock.now());
    const node = pod.spec?.nodeName ?? '';
    if (node === '') {
      throw badRequest(`pod ${name} does not have a host assigned`);
    }
    const session = await services.tunnels.open(
      node,
      { stream: 'log', namespace, pod: name, uid: stored.uid, container, options },
      context.signal,
    );
    try {
      context.signal.addEventListener('abort', () => session.close(), { once: true });
      await session.accepted();
      await send(services, context, session, options['follow'] === true);
    } finally {
      session.close();
    }
  };
}

async function send(
  services: Services,
  context: RequestContext,
  session: { bytes(): AsyncIterable<Buffer>; close(): void },
  follow: boolean,
): Promise<void> {
  const { response, signal } = context;
  if (follow) {
    context.isLongRunning = true;
    services.metrics.longRunningStarted(context);
    context.onDrain = () => session.close();
  }
  const headers = baseHeaders(context, TEXT_TYPE.replace('; charset=utf-8', ''));
  headers.push('Transfer-Encoding', 'chunked');
  response.writeHead(200, headers);
  response.flushHeaders();
  for await (const bytes of session.bytes()) {
    if (response.destroyed) return;
    context.responseBytes += bytes.length;
    if (!response.write(bytes)) await drained(response, signal);
  }
  response.end();
}

/** The container asked for, or the only one. @throws ApiError BadRequest naming the choices */
function containerOf(pod: PodView, asked: string): string {
  const names = (pod.spec?.containers ?? []).map(({ name }) => name);
  const initNames = (pod.spec?.initContainers ?? []).map(({ name }) => name);
  const name = pod.metadata.name ?? '';
  if (asked !== '') {
    if ([...names, ...initNames].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const annotated = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (annotated !== undefined && names.includes(annotated)) return annotated;
  const [only] = names;
  if (names.length === 1 && only !== undefined) return only;
  const init =
    initNames.length === 0 ? '' : ` or one of the init containers: [${initNames.join(' ')}]`;
  throw badRequest(
    `a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]${init}`,
  );
}

/** What goes over the tunnel. `sinceTime` in milliseconds since the epoch. @throws ApiError BadRequest */
function optionsOf(query: URLSearchParams, now: number): Record<string, unknown> {
  const tailLines = integerParameter(query, 'tailLines');
  const limitBytes = integerParameter(query, 'limitBytes');
  if (limitBytes === 0) throw badRequest('limitBytes: Invalid value: 0: must be greater than 0');
  const sinceTime = sinceOf(query, now);
  return {
    follow: booleanParameter(query, 'follow'),
    previous: booleanParameter(query, 'previous'),
    timestamps: booleanParameter(query, 'timestamps'),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(sinceTime === undefined ? {} : { sinceTime }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  };
}

function sinceOf(query: URLSearchParams, now: number): number | undefined {
  const seconds = integerParameter(query, 'sinceSeconds');
  const text = query.get('sinceTime') ?? '';
  if (seconds !== undefined && text !== '') {
    throw badRequest('at most one of `sinceTime` or `sinceSeconds` may be specified');
  }
  if (seconds !== undefined) {
    if (seconds === 0) throw badRequest('sinceSeconds: Invalid value: 0: must be greater than 0');
    return now - seconds * 1000;
  }
  if (text === '') return undefined;
  const time = parseTimestamp(text);
  if (time === undefined) {
    throw badRequest(`sinceTime: Invalid value: ${JSON.stringify(text)}: is not an RFC 3339 time`);
  }
  return time;
}
