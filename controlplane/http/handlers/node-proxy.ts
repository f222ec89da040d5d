// POST nodes/<name>/proxy/windlass-images/<operation>: calls to the node's agent about images that are pushed to it, through its tunnel.
// Whoever may `create nodes/proxy` may put images on machines. Nothing else is proxied: an agent has no port of its own.
import { notFound, unknownPath } from '../../api/errors.ts';

import { admitConnect } from '../admit-connect.ts';
import type { Handler } from '../context.ts';
import { callImages } from '../image-session.ts';
import { readBody } from '../request-body.ts';
import { baseHeaders } from '../respond.ts';
import type { Services } from '../services.ts';
import { definitionOf } from './get.ts';

const IMAGES_PATH = /\/proxy\/windlass-images\/([a-z]{1,16})$/;

export function nodeProxyHandler(services: Services): Handler {
  return async (context) => {
    const definition = definitionOf(context);
    const { name, path, query } = context.info;
    const operation = IMAGES_PATH.exec(path)?.[1];
    if (operation === undefined) throw unknownPath();
    const stored = services.store.get(definition.storageKey, '', name);
    if (stored === undefined) throw notFound(definition, name);
    await admitConnect(services, context.info, definition, context.user, context.audit, {
      kind: 'NodeProxyOptions',
      path: path.slice(path.indexOf('/proxy') + '/proxy'.length),
    });
    const body = await readBody(context.request);
    const options = Object.fromEntries(query);
    const call = { operation, options };
    const answer = await callImages(services.tunnels, name, call, body, context.signal);
    context.responseBytes += answer.length;
    const headers = baseHeaders(context, 'application/json');
    headers.push('Content-Length', String(answer.length));
    context.response.writeHead(200, headers);
    context.response.end(answer);
  };
}
