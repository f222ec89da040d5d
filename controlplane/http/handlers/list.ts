// GET of a collection. Plain JSON goes out as the cached bytes of the objects, in pieces of at most 256 KiB that wait for
// the socket; Tables, metadata and YAML are made from parsed objects.
import { constants, createGzip } from 'node:zlib';
import { finished } from 'node:stream/promises';
import type { Writable } from 'node:stream';

import { ApiError, badRequest, expired } from '../../api/errors.ts';
import { apiVersionOf } from '../../api/object.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import {
  INCONSISTENT,
  decodeContinueToken,
  encodeContinueToken,
} from '../../store/continue-token.ts';
import type { ContinueToken } from '../../store/continue-token.ts';
import type { ListOptions, ListResult } from '../../store/types.ts';

import { listShown } from '../../registry/list-shown.ts';

import type { Handler, RequestContext } from '../context.ts';
import { listMetaOf, listShape } from '../list-shape.ts';
import { limitOf, listRevisionOf, selectionOf, waitForRevision } from '../list-options.ts';
import type { RevisionOptions } from '../list-options.ts';
import { negotiateList } from '../negotiate.ts';
import { itemPieces } from '../representation.ts';
import {
  GZIP_THRESHOLD_BYTES,
  JSON_TYPE,
  acceptsGzip,
  baseHeaders,
  isPretty,
  sendBytes,
} from '../respond.ts';
import { sendValue } from '../send-object.ts';
import type { Services } from '../services.ts';
import { definitionOf } from './get.ts';

const PIECE_BYTES = 256 * 1024;
const COMMA = Buffer.from(',');
const LIST_END = Buffer.from(']}\n');

export function listHandler(services: Services): Handler {
  return async (context) => {
    const definition = definitionOf(context);
    const representation = negotiateList(context.request.headers.accept);
    const { query } = context.info;
    const revision = listRevisionOf(query);
    const limit = limitOf(query);
    const token = tokenOf(query, revision);
    if (revision.revision !== undefined && token === undefined) {
      await waitForRevision(services.store, services.clock, revision.revision, context.signal);
    }
    const { matches } = selectionOf(context.info, definition);
    const exactRevision = exactRevisionOf(revision, limit, token);
    const result = await readList(services, context, definition, {
      ...(context.info.namespace === '' ? {} : { namespace: context.info.namespace }),
      ...(matches === undefined ? {} : { matches }),
      ...(limit === 0 ? {} : { limit }),
      ...(exactRevision === undefined ? {} : { exactRevision }),
      ...(token === undefined ? {} : { startAfter: token.startAfter }),
    });
    if (representation.as === 'Object' && representation.media === 'json' && !isPretty(context)) {
      await sendItems(context, definition, result);
    } else {
      const value = listShape(services, context, definition, result, representation);
      await sendValue(context, 200, representation, value);
    }
  };
}

function tokenOf(query: URLSearchParams, revision: RevisionOptions): ContinueToken | undefined {
  const text = query.get('continue') ?? '';
  if (text === '') return undefined;
  if (revision.revision !== undefined && revision.revision !== 0) {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  return decodeContinueToken(text);
}

/** Which revision the list must show exactly; undefined for the newest. See the table in upstream's API concepts. */
function exactRevisionOf(
  { revision, match }: RevisionOptions,
  limit: number,
  token: ContinueToken | undefined,
): number | undefined {
  if (token !== undefined) return token.revision === INCONSISTENT ? undefined : token.revision;
  if (revision === undefined || revision === 0) return undefined;
  // The legacy rule: a revision together with a limit means exactly that one.
  return match === 'Exact' || (match === '' && limit > 0) ? revision : undefined;
}

async function readList(
  { store, registry }: Services,
  { signal }: RequestContext,
  definition: ResourceDefinition,
  options: ListOptions,
): Promise<ListResult> {
  try {
    const list = listShown(store, registry, definition, options, signal);
    return list instanceof Promise ? await list : list;
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 410 || options.startAfter === undefined) {
      throw error;
    }
    throw expired(
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
        'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
        'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
        'deleted between the time the first chunk was returned and now may show up in the list.',
      encodeContinueToken({ revision: INCONSISTENT, startAfter: options.startAfter }),
    );
  }
}

async function sendItems(
  context: RequestContext,
  definition: ResourceDefinition,
  result: ListResult,
): Promise<void> {
  const apiVersion = apiVersionOf(definition.group, definition.version);
  const head = Buffer.from(
    `{"kind":${JSON.stringify(definition.listKind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(listMetaOf(result))},"items":[`,
  );
  const parts: Buffer[] = [head];
  let length = head.length + LIST_END.length;
  for (const [index, stored] of result.items.entries()) {
    if (index > 0) {
      parts.push(COMMA);
      length += COMMA.length;
    }
    for (const piece of itemPieces(definition, stored)) {
      parts.push(piece);
      length += piece.length;
    }
  }
  parts.push(LIST_END);

  const headers = baseHeaders(context, JSON_TYPE);
  if (length <= PIECE_BYTES) {
    sendBytes(context, 200, headers, Buffer.concat(parts, length));
    return;
  }
  context.responseBytes += length;
  const { response } = context;
  if (length > GZIP_THRESHOLD_BYTES && acceptsGzip(context)) {
    headers.push('Content-Encoding', 'gzip', 'Vary', 'Accept-Encoding');
    response.writeHead(200, headers);
    const gzip = createGzip({ level: constants.Z_BEST_SPEED });
    gzip.pipe(response);
    await writePieces(gzip, parts, context.signal);
  } else {
    headers.push('Content-Length', String(length));
    response.writeHead(200, headers);
    await writePieces(response, parts, context.signal);
  }
}

/** Copies the parts into pieces that each cost one write, and waits whenever the sink has enough. */
async function writePieces(
  sink: Writable,
  parts: readonly Buffer[],
  signal: AbortSignal,
): Promise<void> {
  let piece: Buffer[] = [];
  let size = 0;
  for (const part of parts) {
    if (size + part.length > PIECE_BYTES && size > 0) {
      if (!sink.write(Buffer.concat(piece, size))) await drained(sink, signal);
      piece = [];
      size = 0;
    }
    piece.push(part);
    size += part.length;
  }
  sink.end(Buffer.concat(piece, size));
  await finished(sink, { signal });
}

/** Resolves when the sink takes more; rejects when the request is over. */
export function drained(sink: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      sink.removeListener('drain', onDrain);
      reject(signal.reason as Error);
    };
    const onDrain = (): void => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    sink.once('drain', onDrain);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
