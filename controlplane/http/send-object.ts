// Answers with one stored object in the representation that the client asked for.
import { decodeStored } from '../registry/objects.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { StoredObject } from '../store/types.ts';
import type { Clock } from '#platform/clock.ts';

import type { RequestContext } from './context.ts';
import { negotiateObject } from './negotiate.ts';
import type { Representation } from './negotiate.ts';
import { objectBytes, partialMetadata } from './representation.ts';
import { JSON_TYPE, baseHeaders, isPretty, sendBytes } from './respond.ts';
import { parseIncludeObject, tableOf } from './table.ts';

const NEWLINE = 0x0a;

/** @throws ApiError NotAcceptable; call negotiate() before a write, or the write happens and the client hears 406 */
export function sendStored(
  context: RequestContext,
  code: number,
  definition: ResourceDefinition,
  stored: StoredObject,
  clock: Clock,
): void | Promise<void> {
  const representation = negotiateObject(context.request.headers.accept);
  if (representation.as === 'Object' && representation.media === 'json' && !isPretty(context)) {
    const bytes = objectBytes(definition, stored);
    const body = Buffer.allocUnsafe(bytes.length + 1);
    bytes.copy(body);
    body[bytes.length] = NEWLINE;
    sendBytes(context, code, baseHeaders(context, JSON_TYPE), body);
    return;
  }
  const object = decodeStored(stored, definition);
  return sendValue(
    context,
    code,
    representation,
    shapeOf(context, definition, object, representation, clock),
  );
}

/** One object as it was asked for: itself, its metadata, or a Table of it. */
export function shapeOf(
  context: RequestContext,
  definition: ResourceDefinition,
  object: KubernetesObject,
  representation: Representation,
  clock: Clock,
): unknown {
  switch (representation.as) {
    case 'Object':
      return object;
    case 'PartialObjectMetadata':
      return partialMetadata(object, representation.metaVersion);
    case 'Table':
      return tableOf(
        definition,
        [object],
        { resourceVersion: object.metadata.resourceVersion ?? '' },
        {
          metaVersion: representation.metaVersion,
          includeObject: parseIncludeObject(context.info.query.get('includeObject')),
          now: clock.now(),
          withColumns: true,
        },
      );
  }
}

/** Sends a value that is already in shape as JSON or YAML. */
export async function sendValue(
  context: RequestContext,
  code: number,
  representation: Pick<Representation, 'media'>,
  value: unknown,
): Promise<void> {
  if (representation.media === 'yaml') {
    const { encodeYAML } = await import('../api/yaml.ts');
    sendBytes(
      context,
      code,
      baseHeaders(context, 'application/yaml'),
      Buffer.from(encodeYAML(value)),
    );
    return;
  }
  const text = isPretty(context) ? JSON.stringify(value, undefined, 2) : JSON.stringify(value);
  sendBytes(context, code, baseHeaders(context, JSON_TYPE), Buffer.from(`${text}\n`));
}
