// Subresources with a body of their own kind: /scale, and what is only POSTed to (binding, eviction, token …).
import { methodNotAllowed } from '../../api/errors.ts';
import type { ResourceDefinition, SubresourceDefinition } from '../../api/resource.ts';

import type { Handler, RequestContext } from '../context.ts';
import { decodePatch, decodeSubresource, patchTypeOf } from '../decode-request.ts';
import { negotiate } from '../negotiate.ts';
import { readBody } from '../request-body.ts';
import { sendValue } from '../send-object.ts';
import type { Services } from '../services.ts';
import { defaultTable } from '../../api/table.ts';
import { parseIncludeObject, tableOf } from '../table.ts';
import { writeContextOf } from '../write-options.ts';
import { definitionOf, namespaceOf } from './get.ts';

export function scaleHandler(services: Services): Handler {
  return async (context) => {
    const definition = definitionOf(context);
    const representation = negotiate(context.request.headers.accept);
    const target = targetOf(context, definition);
    const scale = await scaleOf(services, context, target);
    const value =
      representation.as === 'Table'
        ? tableOf(
            { ...definition, table: defaultTable },
            [scale],
            { resourceVersion: scale.metadata.resourceVersion ?? '' },
            {
              metaVersion: representation.metaVersion,
              includeObject: parseIncludeObject(context.info.query.get('includeObject')),
              now: services.clock.now(),
              withColumns: true,
            },
          )
        : scale;
    await sendValue(context, 200, representation, value);
  };
}

async function scaleOf(
  { registry, store }: Services,
  context: RequestContext,
  target: ReturnType<typeof targetOf>,
): Promise<ReturnType<Services['registry']['getScale']>> {
  const { definition } = target;
  switch (context.info.verb) {
    case 'get': {
      const stored = store.get(definition.storageKey, target.namespace, target.name);
      if (stored !== undefined) await registry.show(definition, [stored], context.signal);
      return registry.getScale(target);
    }
    case 'update': {
      const write = writeContextOf(context, 'UpdateOptions');
      const body = await readBody(context.request);
      const decoded = decodeSubresource(
        context,
        body,
        definition,
        subresourceOf(context, definition),
      );
      return registry.updateScale(target, decoded, write);
    }
    case 'patch': {
      // A Scale is a built-in kind, whatever it is the scale of.
      const type = patchTypeOf(context, { ...definition, custom: false });
      const write = writeContextOf(context, 'PatchOptions', type);
      const patch = decodePatch(type, context, await readBody(context.request));
      return registry.patchScale(target, patch, write);
    }
    default:
      throw methodNotAllowed(definition);
  }
}

/** POST to a subresource that does something. */
export function connectHandler(services: Services): Handler {
  return async (context) => {
    const definition = definitionOf(context);
    const representation = negotiate(context.request.headers.accept);
    const write = writeContextOf(context, 'CreateOptions');
    const body = decodeSubresource(
      context,
      await readBody(context.request),
      definition,
      subresourceOf(context, definition),
    );
    const answer = await services.registry.connect(
      targetOf(context, definition),
      context.info.subresource,
      body,
      write,
    );
    await sendValue(context, 201, representation, answer);
  };
}

function targetOf(
  context: RequestContext,
  definition: ResourceDefinition,
): { definition: ResourceDefinition; namespace: string; name: string } {
  return { definition, namespace: namespaceOf(context, definition), name: context.info.name };
}

function subresourceOf(
  { info }: RequestContext,
  definition: ResourceDefinition,
): SubresourceDefinition {
  const found = definition.subresources.find(({ name }) => name === info.subresource);
  if (found === undefined) throw new TypeError('routed without a subresource');
  return found;
}
