// /openapi/v3: an index of documents by group version with hashes, and the documents, which a client may keep for ever
// under their hash. /openapi/v2 is an empty protobuf document: kubectl up to 1.28 insists that there is one.
import { notAcceptable, unknownPath } from '../../api/errors.ts';
import { parseAPIVersion } from '../../api/object.ts';
import { emptyOpenAPIv2Protobuf, openAPIv3Document } from '../../api/schema/openapi.ts';

import type { Handler, RequestContext } from '../context.ts';
import { parseAccept } from '../negotiate.ts';
import { JSON_TYPE, baseHeaders, sendBytes, sendJSON } from '../respond.ts';
import type { Services } from '../services.ts';
import { etagOf } from './discovery.ts';

const YEAR_MS = 31_536_000_000;
const V2_ASKED = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
/** Answered with a dot where the question has an @; kubectl takes no other spelling. */
const V2_ANSWERED = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
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
    if (path === '/openapi/v2') sendV2(context);
    else if (path === '/openapi/v3') sendIndex(context, documents);
    else if (path.startsWith('/openapi/v3/')) {
      sendDocument(services, context, documents, path.slice('/openapi/v3/'.length));
    } else throw unknownPath();
  };
}

/** Documents are made when first asked for, and again after the scheme has changed. */
class DocumentCache {
  readonly #services: Services;
  readonly #documents = new Map<string, OpenAPIDocument>();
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
    const { scheme } = this.#services;
    if (this.#generation !== scheme.generation) {
      this.#documents.clear();
      this.#generation = scheme.generation;
    }
    const known = this.#documents.get(name);
    if (known !== undefined) return known;
    const groupVersion = name.startsWith('api/') ? name.slice(4) : name.slice('apis/'.length);
    if (!name.startsWith('api/') && !name.startsWith('apis/')) return undefined;
    const { group, version } = parseAPIVersion(groupVersion);
    if ((group === '') !== name.startsWith('api/')) return undefined;
    const definitions = scheme.definitionsOf(group, version);
    if (definitions.length === 0) return undefined;
    const body = Buffer.from(JSON.stringify(openAPIv3Document(groupVersion, [...definitions])));
    const made = { body, hash: etagOf(body).slice(1, -1) };
    this.#documents.set(name, made);
    return made;
  }
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

function sendV2(context: RequestContext): void {
  const accept = context.request.headers.accept ?? '';
  // Only protobuf: an empty JSON document would tell newer clients that nothing can be validated.
  if (!parseAccept(accept).some(({ type }) => type === V2_ASKED || type === V2_ANSWERED)) {
    throw notAcceptable([V2_ASKED]);
  }
  sendBytes(context, 200, baseHeaders(context, V2_ANSWERED), emptyOpenAPIv2Protobuf());
}

function requireJSON(context: RequestContext): void {
  const accept = context.request.headers.accept ?? '';
  if (accept === '') return;
  if (!parseAccept(accept).some(({ type }) => JSON_LIKE.includes(type))) {
    throw notAcceptable([JSON_TYPE]);
  }
}
