// DELETE of a collection: each object that the selectors match is deleted as if by name; answers with the list of them. With a limit it
// is the first so many, and a token says where to go on.
import { decodeContinueToken } from '../../store/continue-token.ts';

import type { Handler } from '../context.ts';
import { parseDeleteRequest } from '../delete-options.ts';
import { limitOf, selectionOf } from '../list-options.ts';
import { listShape } from '../list-shape.ts';
import { negotiateList } from '../negotiate.ts';
import { readBody } from '../request-body.ts';
import { sendValue } from '../send-object.ts';
import type { Services } from '../services.ts';
import { parseIncludeObject } from '../table.ts';
import { definitionOf } from './get.ts';

export function deleteCollectionHandler(services: Services): Handler {
  return async (context) => {
    const definition = definitionOf(context);
    const representation = negotiateList(context.request.headers.accept);
    const { query, namespace } = context.info;
    // What is wrong with the answer is said before anything is deleted.
    parseIncludeObject(query.get('includeObject'));
    const { matches } = selectionOf(context.info, definition);
    const limit = limitOf(query);
    const token = query.get('continue') ?? '';
    const selector = {
      ...(matches === undefined ? {} : { matches }),
      ...(limit === 0 ? {} : { limit }),
      ...(token === '' ? {} : { startAfter: decodeContinueToken(token).startAfter }),
    };
    const { options, write } = parseDeleteRequest(context, await readBody(context.request));
    const { results, ...list } = await services.registry.deleteCollection(
      definition,
      namespace === '' || !definition.namespaced ? undefined : namespace,
      selector,
      options,
      write,
    );
    const deleted = { ...list, items: results.map(({ stored }) => stored) };
    const value = listShape(services, context, definition, deleted, representation);
    await sendValue(context, 200, representation, value);
  };
}
