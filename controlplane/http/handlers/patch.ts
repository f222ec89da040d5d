// PATCH of an object or its status; the content type says which kind of patch it is.
import type { Handler } from '../context.ts';
import { decodePatch, patchTypeOf } from '../decode-request.ts';
import { attributesOf } from '../filters.ts';
import { negotiateObject } from '../negotiate.ts';
import { permit } from '../permit.ts';
import { readBody } from '../request-body.ts';
import { sendStored } from '../send-object.ts';
import type { Services } from '../services.ts';
import { writeContextOf } from '../write-options.ts';
import { definitionOf, namespaceOf } from './get.ts';

export function patchHandler(services: Services): Handler {
  return async (context) => {
    const definition = definitionOf(context);
    negotiateObject(context.request.headers.accept);
    const type = patchTypeOf(context, definition);
    const write = writeContextOf(context, 'PatchOptions', type);
    write.permitCreate = () => permit(services, { ...attributesOf(context), verb: 'create' });
    const patch = decodePatch(type, context, await readBody(context.request));
    const { stored, created } = await services.registry.patch(
      { definition, namespace: namespaceOf(context, definition), name: context.info.name },
      context.info.subresource,
      patch,
      write,
    );
    await sendStored(context, created ? 201 : 200, definition, stored, services.clock);
  };
}
