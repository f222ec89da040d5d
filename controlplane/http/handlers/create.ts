// POST to a collection.
import { restrictNodeCreate } from '../../identity/node-restriction.ts';

import type { Handler } from '../context.ts';
import { decodeObject } from '../decode-request.ts';
import { negotiateObject } from '../negotiate.ts';
import { readBody } from '../request-body.ts';
import { sendStored } from '../send-object.ts';
import type { Services } from '../services.ts';
import { writeContextOf } from '../write-options.ts';
import { definitionOf, namespaceOf } from './get.ts';

export function createHandler(services: Services): Handler {
  return async (context) => {
    const definition = definitionOf(context);
    negotiateObject(context.request.headers.accept);
    const write = writeContextOf(context, 'CreateOptions');
    const body = decodeObject(context, await readBody(context.request), definition);
    restrictNodeCreate(context.user, definition, body.object.metadata?.name ?? '');
    const stored = await services.registry.create(
      definition,
      namespaceOf(context, definition),
      body,
      write,
    );
    await sendStored(context, 201, definition, stored, services.clock);
  };
}
