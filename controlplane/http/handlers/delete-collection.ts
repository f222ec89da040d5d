// DELETE of a collection: each object that the selectors match is deleted as if by name; answers with the list of them.
import { decodeStored } from '../../registry/objects.ts';
import { apiVersionOf } from '../../api/object.ts';

import type { Handler } from '../context.ts';
import { parseDeleteRequest } from '../delete-options.ts';
import { selectionOf } from '../list-options.ts';
import { negotiate } from '../negotiate.ts';
import { readBody } from '../request-body.ts';

import { sendValue } from '../send-object.ts';
import type { Services } from '../services.ts';
import { definitionOf } from './get.ts';

export function deleteCollectionHandler(services: Services): Handler {
  return async (context) => {
    const definition = definitionOf(context);
    const representation = negotiate(context.request.headers.accept);
    const { matches } = selectionOf(context.info, definition);
    const { options, write } = parseDeleteRequest(context, await readBody(context.request));
    const { namespace } = context.info;
    const results = await services.registry.deleteCollection(
      definition,
      namespace === '' || !definition.namespaced ? undefined : namespace,
      matches === undefined ? {} : { matches },
      options,
      write,
    );
    await sendValue(context, 200, representation, {
      kind: definition.listKind,
      apiVersion: apiVersionOf(definition.group, definition.version),
      metadata: { resourceVersion: String(services.store.revision) },
      items: results.map(({ stored }) => decodeStored(stored, definition)),
    });
  };
}
