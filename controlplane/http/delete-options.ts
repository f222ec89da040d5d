// DeleteOptions, from wherever a client puts them: the query, a JSON body without kind (kubectl), or protobuf (typed clients).
import { badRequest } from '../api/errors.ts';
import type { FieldError } from '../api/errors.ts';
import { parseJSONText } from '../api/schema/decode-json.ts';
import { parseYAML } from '../api/schema/decode-yaml.ts';
import { decodeProtobuf } from '../api/schema/protobuf.ts';
import { asDryRun } from '../registry/derived-context.ts';
import type { DeleteOptions, WriteContext } from '../registry/types.ts';

import type { RequestContext } from './context.ts';
import { mediaTypeOf } from './decode-request.ts';
import { invalidOptions, parseDryRun, writeContextOf } from './write-options.ts';

export interface DeleteRequest {
  readonly options: DeleteOptions;
  readonly write: WriteContext;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * The body wins over the query, as upstream: the query is read only where there is no body.
 *
 * @throws ApiError BadRequest for what does not parse, Invalid for values out of range
 */
export function parseDeleteRequest(context: RequestContext, body: Buffer): DeleteRequest {
  const write = writeContextOf(context, 'DeleteOptions');
  if (body.length === 0) {
    return { options: check(fromQuery(context.info.query)), write };
  }
  const fields = parseBody(context, body);
  context.audit?.requestObject(fields);
  const errors: FieldError[] = [];
  const dryRun = parseDryRun(strings(fields['dryRun']), errors) || write.dryRun;
  if (errors.length > 0) throw invalidOptions('DeleteOptions', errors);
  context.isDryRun = dryRun;
  return { options: check(fields), write: dryRun ? asDryRun(write) : write };
}

function parseBody(context: RequestContext, body: Buffer): Fields {
  const type = mediaTypeOf(context.request.headers['content-type']);
  if (type === 'application/vnd.kubernetes.protobuf') {
    const { kind, object } = decodeProtobuf(body);
    if (kind !== 'DeleteOptions') throw cannotHandle(`the body is a ${kind}`);
    return object;
  }
  let value: unknown;
  try {
    const text = body.toString('utf8');
    value = type === 'application/yaml' ? parseYAML(text).value : parseJSONText(text);
  } catch (error) {
    throw cannotHandle((error as Error).message);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw cannotHandle('the body is not an object');
  }
  return value as Fields;
}

function fromQuery(query: URLSearchParams): Fields {
  const grace = query.get('gracePeriodSeconds');
  const uid = query.get('preconditions.uid');
  return {
    ...(grace === null ? {} : { gracePeriodSeconds: grace === '' ? Number.NaN : Number(grace) }),
    ...(query.has('propagationPolicy')
      ? { propagationPolicy: query.get('propagationPolicy') }
      : {}),
    ...(query.has('orphanDependents')
      ? { orphanDependents: query.get('orphanDependents') === 'true' }
      : {}),
    ...(uid === null ? {} : { preconditions: { uid } }),
  };
}

function check(fields: Fields): DeleteOptions {
  const errors: FieldError[] = [];
  const grace = fields['gracePeriodSeconds'] ?? undefined;
  if (grace !== undefined && (typeof grace !== 'number' || !Number.isSafeInteger(grace))) {
    throw cannotHandle('gracePeriodSeconds must be a whole number');
  }
  const policy = fields['propagationPolicy'] ?? undefined;
  if (policy !== undefined && !isPolicy(policy)) {
    errors.push({
      reason: 'FieldValueNotSupported',
      field: 'propagationPolicy',
      message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan", "nil"`,
    });
  }
  const orphan = fields['orphanDependents'] ?? undefined;
  if (orphan !== undefined && typeof orphan !== 'boolean') {
    throw cannotHandle('orphanDependents must be true or false');
  }
  if (orphan !== undefined && policy !== undefined) {
    errors.push({
      reason: 'FieldValueInvalid',
      field: 'propagationPolicy',
      message: `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`,
    });
  }
  if (errors.length > 0) throw invalidOptions('DeleteOptions', errors);

  const effective = orphan === undefined ? policy : orphan ? 'Orphan' : 'Background';
  const preconditions = preconditionsOf(fields['preconditions'] ?? undefined);
  return {
    // Upstream reads a negative grace as one second.
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace < 0 ? 1 : grace }),
    ...(effective !== undefined && isPolicy(effective) ? { propagationPolicy: effective } : {}),
    ...(preconditions === undefined ? {} : { preconditions }),
  };
}

function isPolicy(value: unknown): value is 'Background' | 'Foreground' | 'Orphan' {
  return value === 'Background' || value === 'Foreground' || value === 'Orphan';
}

function preconditionsOf(value: unknown): DeleteOptions['preconditions'] {
  if (value === undefined) return undefined;
  if (value === null || typeof value !== 'object')
    throw cannotHandle('preconditions must be an object');
  const { uid, resourceVersion } = value as Fields;
  for (const [name, text] of Object.entries({ uid, resourceVersion })) {
    if (text !== undefined && text !== null && typeof text !== 'string') {
      throw cannotHandle(`preconditions.${name} must be a string`);
    }
  }
  return {
    ...(typeof uid === 'string' ? { uid } : {}),
    ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
  };
}

function strings(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw cannotHandle('dryRun must be a list of strings');
  }
  return value;
}

function cannotHandle(why: string): Error {
  return badRequest(`DeleteOptions in version "v1" cannot be handled as a DeleteOptions: ${why}`);
}
