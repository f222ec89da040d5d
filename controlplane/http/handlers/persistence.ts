// Subresources of PersistenceInstances: GET dump and history, POST verify, resync, promote, add and remove. What windlass backup and windlass persistence ask for.
import { jsonFields } from '#platform/json-fields.ts';
import { badRequest, notFound } from '../../api/errors.ts';

import type { Handler, RequestContext } from '../context.ts';
import { integerParameter } from '../list-options.ts';
import { readBody } from '../request-body.ts';
import { baseHeaders, sendJSON } from '../respond.ts';
import type { Services } from '../services.ts';
import { beginLongAnswer } from '../long-answer.ts';
import { definitionOf } from './get.ts';
import { drained } from './list.ts';

const DUMP_TYPE = 'application/vnd.windlass.dump';

export function dumpHandler(services: Services): Handler {
  return async (context) => {
    const { name, query } = context.info;
    checkExists(services, context);
    const options = {
      after: integerParameter(query, 'after') ?? 0,
      kind: query.get('kind') ?? '',
      key: query.get('key') ?? '',
    };
    const stop = untilDrained(services, context);
    const frames = await services.persistence.dump(name, options, stop);
    const { response } = context;
    response.writeHead(200, [...baseHeaders(context, DUMP_TYPE), 'Transfer-Encoding', 'chunked']);
    try {
      for await (const frame of frames) {
        if (response.destroyed) return;
        context.responseBytes += frame.length;
        if (!response.write(frame)) await drained(response, stop);
      }
      response.end();
    } catch (error) {
      // The head is out: only a cut says that this is not the whole.
      services.logger.warn('Cannot send a dump', { instance: name, error });
      response.destroy();
    }
  };
}

export function historyHandler(services: Services): Handler {
  return async (context) => {
    checkExists(services, context);
    sendJSON(context, 200, services.persistence.history(context.info.name));
  };
}

export function verifyHandler(services: Services): Handler {
  return async (context) => {
    checkExists(services, context);
    const stop = untilDrained(services, context);
    const counted = await services.persistence.verify(context.info.name, stop);
    sendJSON(context, 200, counted);
  };
}

export function resyncHandler(services: Services): Handler {
  return async (context) => {
    checkExists(services, context);
    await services.persistence.resync(context.info.name);
    services.logger.info('Replica is filled anew, as asked', {
      instance: context.info.name,
      user: context.user.name,
    });
    sendJSON(context, 202, SUCCESS);
  };
}

export function promoteHandler(services: Services): Handler {
  return async (context) => {
    checkExists(services, context);
    const { name, query } = context.info;
    const seconds = integerParameter(query, 'timeoutSeconds') ?? CATCH_UP_SECONDS;
    const stop = untilDrained(services, context);
    const promoted = await services.persistence.promote(
      name,
      Math.min(seconds, MOST_SECONDS),
      stop,
    );
    services.logger.info('Persistence instance is the primary now, as asked', {
      instance: name,
      user: context.user.name,
      ...promoted,
    });
    sendJSON(context, 200, promoted);
  };
}

/** A POST to any instance adds another one: there is no object to create, as instances are what the server says they are. */
export function attachHandler(services: Services): Handler {
  return async (context) => {
    checkExists(services, context);
    const { url } = jsonFields((await readBody(context.request)).toString('utf8')) ?? {};
    if (typeof url !== 'string' || url.length > MOST_URL)
      throw badRequest(
        'the body must be JSON: {"url": "sqlite:PATH, nfs:PATH or s3://BUCKET/PREFIX"}',
      );
    const name = await services.persistence.attach(url);
    services.logger.info('Persistence instance is attached, as asked', {
      instance: name,
      user: context.user.name,
    });
    sendJSON(context, 201, { name });
  };
}

export function detachHandler(services: Services): Handler {
  return async (context) => {
    checkExists(services, context);
    const { name } = context.info;
    await services.persistence.detach(name);
    services.logger.info('Persistence instance is detached, as asked', {
      instance: name,
      user: context.user.name,
    });
    sendJSON(context, 200, { ...SUCCESS, code: 200 });
  };
}

const MOST_URL = 4_096;
const CATCH_UP_SECONDS = 30;
const MOST_SECONDS = 86_400;
const SUCCESS = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 202 };

function checkExists({ store }: Services, context: RequestContext): void {
  const definition = definitionOf(context);
  const { name } = context.info;
  if (store.get(definition.storageKey, '', name) === undefined) throw notFound(definition, name);
}

/** As long as it takes, and no longer than the server or the client lives. */
function untilDrained(services: Services, context: RequestContext): AbortSignal {
  beginLongAnswer(services, context);
  const draining = new AbortController();
  context.onDrain = () => draining.abort(new Error('the server is stopping'));
  return AbortSignal.any([context.signal, draining.signal]);
}
