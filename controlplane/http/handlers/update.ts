// PUT of an object or its status.
import type { Handler } from '../context.ts';
import { decodeObject } from '../decode-request.ts';
import { attributesOf } from '../filters.ts';
import { negotiateObject } from '../negotiate.ts';
import { permit } from '../permit.ts';
import { readBody } from '../request-body.ts';
import { sendStored } from '../send-object.ts';
import type { Services } from '../services.ts';
import { writeContextOf } from '../write-options.ts';
import { definitionOf, namespaceOf } from './get.ts';

export function updateHandler(services: Services): Handler {
  return async (context) => {
    const definition = definitionOf(context);
    negotiateObject(context.request.headers.accept);
    const write = writeContextOf(context, 'UpdateOptions');
    write.permitCreate = () => permit(services, { ...attributesOf(context), verb: 'create' });
    const body = decodeObject(context, await readBody(context.request), definition);
    const { stored, created } = await services.registry.update(
      { definition, namespace: namespaceOf(context, definition), name: context.info.name },
      context.info.subresource,
      body,
      write,
    );
    await sendStored(context, created ? 201 : 200, definition, stored, services.clock);
  };
}
