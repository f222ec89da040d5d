// GET pods/<name>/log: checks the options, asks the Pod's node over its tunnel, and passes the bytes on.
import { badRequest } from '../../api/errors.ts';
import { parseTimestamp } from '../../api/timestamps.ts';

import type { Handler, RequestContext } from '../context.ts';
import { booleanParameter, integerParameter } from '../list-options.ts';
import { TEXT_TYPE, baseHeaders, sendBytes } from '../respond.ts';
import type { Services } from '../services.ts';
import { podTarget } from '../pod-target.ts';
import { beginLongAnswer } from '../long-answer.ts';
import { definitionOf } from './get.ts';
import { drained } from './list.ts';

const LOG_TYPE = TEXT_TYPE.replace('; charset=utf-8', '');

export function logHandler(services: Services): Handler {
  return async (context) => {
    const definition = definitionOf(context);
    const { namespace, name, query } = context.info;
    const asked = podTarget(
      services,
      definition,
      { namespace, name },
      query.get('container') ?? '',
    );
    const options = optionsOf(query, services.clock.now());
    const { node, uid, container } = asked;
    if (node === '') {
      // Nothing has run yet, so nothing was said: as upstream, that is an answer and no error.
      sendBytes(context, 200, baseHeaders(context, LOG_TYPE), Buffer.alloc(0));
      return;
    }
    const session = await services.tunnels.open(
      node,
      { stream: 'log', namespace, pod: name, uid, container, options },
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
    beginLongAnswer(services, context);
    context.onDrain = () => session.close();
  }
  const headers = baseHeaders(context, LOG_TYPE);
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
