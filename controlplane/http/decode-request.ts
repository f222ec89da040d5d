// Bodies of requests → objects, through the decoder of api/schema, with the schema that the path calls for.
import { unsupportedMediaType } from '../api/errors.ts';
import type { ResourceDefinition, SubresourceDefinition } from '../api/resource.ts';
import { builtinSchema } from '../api/schema/corpus.ts';
import { decodeBody, parsePatchBody } from '../api/schema/decode.ts';
import type { DecodedObject, PatchRequest, PatchType } from '../registry/types.ts';

import type { RequestContext } from './context.ts';

const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

/** @throws ApiError BadRequest, UnsupportedMediaType */
export function decodeObject(
  context: RequestContext,
  body: Buffer,
  definition: ResourceDefinition,
): DecodedObject {
  const { schema, kind } = definition;
  const decoded = decodeBody(body, context.request.headers['content-type'], schema, kind);
  context.audit?.requestObject(decoded.object);
  return decoded;
}

/** The body of a subresource with a kind of its own: Scale, Eviction, Binding. */
export function decodeSubresource(
  context: RequestContext,
  body: Buffer,
  definition: ResourceDefinition,
  subresource: SubresourceDefinition,
): DecodedObject {
  const { kind } = subresource;
  if (kind === undefined) return decodeObject(context, body, definition);
  const decoded = decodeBody(
    body,
    context.request.headers['content-type'],
    builtinSchema(kind.group, kind.version, kind.kind),
    kind.kind,
  );
  context.audit?.requestObject(decoded.object);
  return decoded;
}

/** @throws ApiError UnsupportedMediaType naming what the kind takes */
export function patchTypeOf(context: RequestContext, definition: ResourceDefinition): PatchType {
  const type = PATCH_TYPES[mediaTypeOf(context.request.headers['content-type'])];
  if (type === undefined || (type === 'strategic' && definition.custom)) {
    throw unsupportedMediaType(
      Object.keys(PATCH_TYPES).filter(
        (accepted) => !definition.custom || PATCH_TYPES[accepted] !== 'strategic',
      ),
    );
  }
  return type;
}

export function decodePatch(type: PatchType, context: RequestContext, body: Buffer): PatchRequest {
  const decoded = parsePatchBody(body, context.request.headers['content-type']);
  context.audit?.requestObject(decoded.patch);
  if (type !== 'apply') return { type, ...decoded };
  return { type, ...decoded, force: isTrue(context.info.query.get('force')) };
}

/** As upstream reads booleans in queries: anything but these is true. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '' && value !== '0' && value.toLowerCase() !== 'false';
}

/** The media type without parameters, in lower case; '' when there is none. */
export function mediaTypeOf(contentType: string | undefined): string {
  if (contentType === undefined) return '';
  const semicolon = contentType.indexOf(';');
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}
