// GET of one object, or of its status.
import { notFound } from '../../api/errors.ts';
import type { ResourceDefinition } from '../../api/resource.ts';

import { needsConversion } from '../../registry/objects.ts';

import type { Handler, RequestContext } from '../context.ts';
import { parseRevision, waitForRevision } from '../list-options.ts';
import { sendStored } from '../send-object.ts';
import type { Services } from '../services.ts';

export function getHandler(services: Services): Handler {
  return (context) => {
    const definition = definitionOf(context);
    const revision = parseRevision(context.info.query.get('resourceVersion') ?? '');
    if (revision !== undefined && revision > services.store.revision) {
      return waitForRevision(services.store, services.clock, revision, context.signal).then(() =>
        send(services, context, definition),
      );
    }
    return send(services, context, definition);
  };
}

function send(
  services: Services,
  context: RequestContext,
  definition: ResourceDefinition,
): void | Promise<void> {
  const stored = services.store.get(
    definition.storageKey,
    namespaceOf(context, definition),
    context.info.name,
  );
  if (stored === undefined) throw notFound(definition, context.info.name);
  if (needsConversion(definition, stored)) {
    return services.registry
      .show(definition, [stored], context.signal)
      .then(() => sendStored(context, 200, definition, stored, services.clock));
  }
  return sendStored(context, 200, definition, stored, services.clock);
}

/** The kind of a request that the router has let through. */
export function definitionOf(context: RequestContext): ResourceDefinition {
  if (context.definition === undefined) throw new TypeError('routed without a definition');
  return context.definition;
}

/** Where the object lies: RequestInfo puts Namespaces into themselves, the store does not. */
export function namespaceOf(context: RequestContext, definition: ResourceDefinition): string {
  return definition.namespaced ? context.info.namespace : '';
}
