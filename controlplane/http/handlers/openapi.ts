// /openapi/v3: an index of documents by group version with hashes, and the documents, which a client may keep for ever
// under their hash. /openapi/v2 is all of it in the older form, as JSON and as protobuf.
import { notAcceptable, unknownPath } from '../../api/errors.ts';
import { parseAPIVersion } from '../../api/object.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { JsonObject } from '../../api/schema/json-value.ts';
import { openAPIv2Document } from '../../api/schema/openapi-v2.ts';
import { openAPIv2Protobuf } from '../../api/schema/openapi-v2-protobuf.ts';
import { openAPIv3Document } from '../../api/schema/openapi.ts';

import type { Handler, RequestContext } from '../context.ts';
import { parseAccept } from '../negotiate.ts';
import { JSON_TYPE, sendBytes, sendJSON } from '../respond.ts';
import type { Services } from '../services.ts';
import { etagOf } from './discovery.ts';

const YEAR_MS = 31_536_000_000;
const V2_ASKED = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
/** Answered with a dot where the question has an @; kubectl takes no other spelling. */
const V2_ANSWERED = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const V2_PROTOBUF = [V2_ASKED, V2_ANSWERED];
const JSON_LIKE = ['application/json', 'application/*', '*/*'];

interface OpenAPIDocument {
  readonly body: Buffer;
  /** SHA-512 in upper-case hexadecimal. */
  readonly hash: string;
}

export function openapiHandler(services: Services): Handler {
  const documents = new DocumentCache(services);
  return (context) => {
    const { path } = context.info;
    if (path === '/openapi/v2') sendV2(context, documents);
    else if (path === '/openapi/v3') sendIndex(context, documents);
    else if (path.startsWith('/openapi/v3/')) {
      sendDocument(services, context, documents, path.slice('/openapi/v3/'.length));
    } else throw unknownPath();
  };
}

interface Cached extends OpenAPIDocument {
  /** What it was made of. */
  readonly definitions: readonly ResourceDefinition[];
}

/** Documents are made when first asked for, and again after their own kinds have changed. */
class DocumentCache {
  readonly #services: Services;
  readonly #documents = new Map<string, Cached>();
  #merged: OpenAPIDocument | undefined;
  /** The same as protobuf, of the document that it was made of. */
  #protobuf: { readonly of: OpenAPIDocument; readonly document: OpenAPIDocument } | undefined;
  #generation = -1;

  constructor(services: Services) {
    this.#services = services;
  }

  /** `api/v1`, `apis/apps/v1` … */
  names(): string[] {
    return this.#services.scheme
      .groups()
      .flatMap(({ group, versions }) =>
        versions.map((version) => (group === '' ? `api/${version}` : `apis/${group}/${version}`)),
      );
  }

  get(name: string): OpenAPIDocument | undefined {
    const groupVersion = groupVersionOf(name);
    if (groupVersion === undefined) return undefined;
    const { group, version } = parseAPIVersion(groupVersion);
    const definitions = this.#services.scheme.definitionsOf(group, version);
    const known = this.#documents.get(name);
    if (known !== undefined && isSame(known.definitions, definitions)) return known;
    this.#documents.delete(name);
    if (definitions.length === 0) return undefined;
    const made = { ...documentOf(openAPIv3Document(groupVersion, definitions)), definitions };
    this.#documents.set(name, made);
    return made;
  }

  /** All of them as one v2 document. */
  merged(): OpenAPIDocument {
    const { scheme } = this.#services;
    if (this.#merged !== undefined && this.#generation === scheme.generation) return this.#merged;
    this.#generation = scheme.generation;
    const parts = this.names().flatMap((name) => {
      const document = this.get(name);
      return document === undefined ? [] : [JSON.parse(document.body.toString()) as JsonObject];
    });
    this.#merged = documentOf(openAPIv2Document(parts));
    return this.#merged;
  }

  mergedProtobuf(): OpenAPIDocument {
    const of = this.merged();
    if (this.#protobuf?.of !== of) {
      const body = Buffer.from(openAPIv2Protobuf(JSON.parse(of.body.toString()) as JsonObject));
      this.#protobuf = { of, document: { body, hash: etagOf(body).slice(1, -1) } };
    }
    return this.#protobuf.document;
  }
}

function documentOf(value: JsonObject): OpenAPIDocument {
  const body = Buffer.from(JSON.stringify(value));
  return { body, hash: etagOf(body).slice(1, -1) };
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

/** `apps/v1` of `apis/apps/v1`; undefined for what names no group version. */
function groupVersionOf(name: string): string | undefined {
  const isCore = name.startsWith('api/');
  if (!isCore && !name.startsWith('apis/')) return undefined;
  const groupVersion = name.slice(isCore ? 'api/'.length : 'apis/'.length);
  return (parseAPIVersion(groupVersion).group === '') === isCore ? groupVersion : undefined;
}

function sendIndex(context: RequestContext, documents: DocumentCache): void {
  requireJSON(context);
  const paths: Record<string, unknown> = {};
  for (const name of documents.names()) {
    const hash = documents.get(name)?.hash ?? '';
    paths[name] = { serverRelativeURL: `/openapi/v3/${name}?hash=${hash}` };
  }
  sendJSON(context, 200, { paths });
}

function sendDocument(
  { clock }: Services,
  context: RequestContext,
  documents: DocumentCache,
  name: string,
): void {
  const document = documents.get(name);
  if (document === undefined) throw unknownPath();
  requireJSON(context);
  const asked = context.info.query.get('hash');
  if (asked !== null && asked !== '' && asked !== document.hash) {
    context.response.writeHead(301, [
      'Audit-Id',
      context.auditId,
      'Location',
      `/openapi/v3/${name}?hash=${document.hash}`,
      'Content-Length',
      '0',
    ]);
    context.response.end();
    return;
  }
  const etag = `"${document.hash}"`;
  const isForEver = asked === document.hash;
  const headers = [
    'Audit-Id',
    context.auditId,
    'Cache-Control',
    isForEver ? 'public, immutable' : 'no-cache, private',
    'Etag',
    etag,
    'Vary',
    'Accept',
  ];
  if (isForEver) headers.push('Expires', new Date(clock.now() + YEAR_MS).toUTCString());
  if (context.request.headers['if-none-match'] === etag) {
    context.response.writeHead(304, headers);
    context.response.end();
    return;
  }
  headers.push('Content-Type', JSON_TYPE);
  sendBytes(context, 200, headers, document.body);
}

function sendV2(context: RequestContext, documents: DocumentCache): void {
  const accept = context.request.headers.accept ?? '';
  const asked = parseAccept(accept).map(({ type }) => type);
  // The first that can be answered: older clients ask for protobuf and take JSON as second best.
  const known = asked.find((type) => V2_PROTOBUF.includes(type) || JSON_LIKE.includes(type));
  if (known === undefined && accept !== '') throw notAcceptable([JSON_TYPE, V2_ASKED]);
  const isProtobuf = known !== undefined && V2_PROTOBUF.includes(known);
  const { body, hash } = isProtobuf ? documents.mergedProtobuf() : documents.merged();
  const headers = [
    'Audit-Id',
    context.auditId,
    'Cache-Control',
    'no-cache, private',
    'Etag',
    `"${hash}"`,
    'Vary',
    'Accept',
  ];
  if (context.request.headers['if-none-match'] === `"${hash}"`) {
    context.response.writeHead(304, headers);
    context.response.end();
    return;
  }
  headers.push('Content-Type', isProtobuf ? V2_ANSWERED : JSON_TYPE);
  sendBytes(context, 200, headers, body);
}

function requireJSON(context: RequestContext): void {
  const accept = context.request.headers.accept ?? '';
  if (accept === '') return;
  if (!parseAccept(accept).some(({ type }) => JSON_LIKE.includes(type))) {
    throw notAcceptable([JSON_TYPE]);
  }
}
