// A list as a value in the shape that was asked for: the objects, a Table of them, or their metadata.
import { apiVersionOf } from '../api/object.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import { decodeStored } from '../registry/objects.ts';
import { encodeContinueToken } from '../store/continue-token.ts';
import type { ListResult } from '../store/types.ts';
import type { Clock } from '#platform/clock.ts';

import type { RequestContext } from './context.ts';
import type { Representation } from './negotiate.ts';
import { partialMetadata } from './representation.ts';
import type { Services } from './services.ts';
import { parseIncludeObject, tableOf } from './table.ts';
import type { ListMeta } from './table.ts';

export function listMetaOf(result: ListResult): ListMeta {
  return {
    resourceVersion: String(result.revision),
    ...(result.next === undefined
      ? {}
      : { continue: encodeContinueToken({ revision: result.revision, startAfter: result.next }) }),
    ...(result.next === undefined || result.remaining === undefined
      ? {}
      : { remainingItemCount: result.remaining }),
  };
}

export function listShape(
  { clock }: Pick<Services, 'clock'>,
  context: RequestContext,
  definition: ResourceDefinition,
  result: ListResult,
  representation: Representation,
): unknown {
  const objects = result.items.map((stored) => decodeStored(stored, definition));
  return shapedList(clock, context, definition, objects, listMetaOf(result), representation);
}

/** The same of objects that need not be stored. */
export function shapedList(
  clock: Clock,
  context: RequestContext,
  definition: ResourceDefinition,
  objects: readonly KubernetesObject[],
  metadata: ListMeta,
  representation: Representation,
): unknown {
  switch (representation.as) {
    case 'Table':
      return tableOf(definition, objects, metadata, {
        metaVersion: representation.metaVersion,
        includeObject: parseIncludeObject(context.info.query.get('includeObject')),
        now: clock.now(),
        withColumns: true,
      });
    case 'PartialObjectMetadata':
      return {
        kind: 'PartialObjectMetadataList',
        apiVersion: `meta.k8s.io/${representation.metaVersion}`,
        metadata,
        items: objects.map((object) => partialMetadata(object, representation.metaVersion)),
      };
    case 'Object':
      return {
        kind: definition.listKind,
        apiVersion: apiVersionOf(definition.group, definition.version),
        metadata,
        items: definition.custom
          ? objects
          : objects.map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item),
      };
  }
}
