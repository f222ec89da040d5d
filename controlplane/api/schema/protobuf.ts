// Request bodies in Kubernetes' protobuf form: the magic bytes, an envelope that names the kind, and the object's message,
// decoded by the field numbers of the corpus into the JSON form. client-go sends these for every built-in type.
import protobuf from 'protobufjs/minimal.js';
import { ApiError, badRequest } from '../errors.ts';
import { parseAPIVersion } from '../object.ts';
import { componentOf } from './corpus.ts';
import { MessageDecoder } from './protobuf-message.ts';
import { readFields } from './protobuf-wire.ts';

const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]); // "k8s" and a zero

export interface DecodedProtobuf {
  readonly apiVersion: string;
  readonly kind: string;
  /** The JSON form, apiVersion and kind included. */
  readonly object: Record<string, unknown>;
}

/** Whether bytes that may also be JSON are an envelope. */
export function isProtobuf(body: Uint8Array): boolean {
  return MAGIC.equals(body.subarray(0, MAGIC.length));
}

/**
 * Decodes one envelope. Fields with numbers that this release does not know are skipped.
 *
 * @throws ApiError 400 for malformed bytes, 415 naming the kind when it has no protobuf form here
 */
export function decodeProtobuf(body: Uint8Array): DecodedProtobuf {
  return decodeEnvelope(body, 0);
}

function decodeEnvelope(body: Uint8Array, depth: number): DecodedProtobuf {
  if (!isProtobuf(body)) {
    throw badRequest(
      'the body of the request is not protobuf: it does not start with "k8s" and a zero byte',
    );
  }
  try {
    return decodeUnknown(body.subarray(MAGIC.length), depth);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw badRequest(`the body of the request is not protobuf: ${(error as Error).message}`, error);
  }
}

/** k8s.io/apimachinery runtime.Unknown: type meta, the object's bytes, encoding and content type of those. */
function decodeUnknown(envelope: Uint8Array, depth: number): DecodedProtobuf {
  let apiVersion = '';
  let kind = '';
  let raw: Uint8Array = new Uint8Array(0);
  const reader = protobuf.Reader.create(envelope);
  readFields(reader, reader.len, {
    1: () =>
      readFields(reader, reader.uint32() + reader.pos, {
        1: () => void (apiVersion = reader.string()),
        2: () => void (kind = reader.string()),
      }),
    2: () => void (raw = reader.bytes()),
    3: () => refuseUnlessEmpty('content encoding', reader.string()),
    4: () => refuseUnlessEmpty('content type', reader.string()),
  });
  const { group, version } = parseAPIVersion(apiVersion);
  const component = componentOf(group, version, kind);
  if (component === undefined) {
    throw new ApiError(
      415,
      'UnsupportedMediaType',
      `the body of the request is a ${apiVersion} ${kind} in protobuf, a form that this server has not for that kind - accepted media types include: application/json, application/yaml`,
    );
  }
  const decoder = new MessageDecoder(raw, (nested, at) => decodeEnvelope(nested, at).object);
  const object = { kind, apiVersion, ...decoder.decode(component, depth) };
  return { apiVersion, kind, object };
}

function refuseUnlessEmpty(what: string, value: string): void {
  if (value !== '') throw badRequest(`the protobuf envelope has an unknown ${what} '${value}'`);
}
