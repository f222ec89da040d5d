// GET of a collection with `watch=true`: a stream of events until the client leaves, the time is over, or the server stops. As the
// chunks of an answer here; as the messages of a WebSocket in watch-upgrade.ts.
import { badRequest } from '../../api/errors.ts';

import type { Handler } from '../context.ts';
import { baseHeaders } from '../respond.ts';
import type { Services } from '../services.ts';
import { beginLongAnswer } from '../long-answer.ts';
import { chunkStream } from '../watch-stream.ts';
import { prepareWatch } from '../watch-subscription.ts';
import { definitionOf } from './get.ts';

export function watchHandler(services: Services): Handler {
  return (context) => {
    const definition = definitionOf(context);
    const { request, response } = context;
    if (request.httpVersionMinor < 1) throw badRequest('watch needs HTTP/1.1');
    const begin = prepareWatch(services, {
      info: context.info,
      accept: request.headers.accept,
      definition,
    });

    const headers = baseHeaders(context, 'application/json');
    headers.push('Transfer-Encoding', 'chunked');
    beginLongAnswer(services, context);
    response.writeHead(200, headers);
    response.flushHeaders();
    const { socket } = response;
    if (socket === null) return; // gone between parsing and now
    const stop = begin(chunkStream(response, socket), context);
    context.onDrain = stop;
    response.once('close', stop);
  };
}
