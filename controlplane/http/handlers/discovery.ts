// /api, /apis and below. Which form is served depends on Accept: kubectl up to 1.29 asks for v2beta1 only and fails on an
// answer that calls itself v2, and the oldest clients know the legacy lists only.
import { createHash } from 'node:crypto';

import { unknownPath } from '../../api/errors.ts';

import type { Handler, RequestContext } from '../context.ts';
import {
  aggregatedDiscovery,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
} from '../discovery-documents.ts';
import type { DiscoveryVersion } from '../discovery-documents.ts';
import { negotiate, parseAccept } from '../negotiate.ts';
import { sendBytes, sendJSON } from '../respond.ts';
import type { HeaderList } from '../respond.ts';
import type { Services } from '../services.ts';

interface CachedDocument {
  readonly generation: number;
  readonly body: Buffer;
  /** In quotes. */
  readonly etag: string;
  readonly contentType: string;
}

export function discoveryHandler(services: Services): Handler {
  const { scheme } = services;
  const aggregated = new Map<string, CachedDocument>();

  function aggregatedDocument(isCore: boolean, version: DiscoveryVersion): CachedDocument {
    const key = `${isCore ? 'api' : 'apis'}/${version}`;
    const known = aggregated.get(key);
    if (known !== undefined && known.generation === scheme.generation) return known;
    const body = Buffer.from(`${JSON.stringify(aggregatedDiscovery(scheme, isCore, version))}\n`);
    const made = {
      generation: scheme.generation,
      body,
      etag: etagOf(body),
      // Clients compare the parameters, so they stand exactly as upstream writes them.
      contentType: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
    };
    aggregated.set(key, made);
    return made;
  }

  return (context) => {
    const [root = '', second, third, ...more] = context.info.path
      .split('/')
      .filter((part) => part !== '');
    const { accept } = context.request.headers;
    if (second === undefined) {
      const version = aggregatedVersionOf(accept);
      if (version !== undefined) {
        sendCacheable(context, aggregatedDocument(root === 'api', version));
        return;
      }
      negotiate(accept);
      sendJSON(
        context,
        200,
        root === 'api' ? apiVersions(services.serverAddress()) : apiGroupList(scheme),
      );
      return;
    }
    negotiate(accept);
    const document = more.length > 0 ? undefined : legacyDocument(services, root, second, third);
    if (document === undefined) throw unknownPath();
    sendJSON(context, 200, document);
  };
}

function legacyDocument(
  { scheme }: Services,
  root: string,
  second: string,
  third: string | undefined,
): Record<string, unknown> | undefined {
  if (root === 'api') {
    return third === undefined ? apiResourceList(scheme, '', second) : undefined;
  }
  return third === undefined ? apiGroup(scheme, second) : apiResourceList(scheme, second, third);
}

/** The aggregated version that the client wants before plain JSON; undefined for the legacy form. */
function aggregatedVersionOf(accept: string | undefined): DiscoveryVersion | undefined {
  for (const { type, parameters } of parseAccept(accept ?? '')) {
    if (type !== 'application/json') {
      if (type === '*/*' || type === 'application/*') return undefined;
      continue;
    }
    const version = parameters.get('v');
    if (
      parameters.get('as') === 'APIGroupDiscoveryList' &&
      parameters.get('g') === 'apidiscovery.k8s.io' &&
      (version === 'v2' || version === 'v2beta1')
    ) {
      return version;
    }
    if (!parameters.has('as')) return undefined;
  }
  return undefined;
}

export function etagOf(body: Buffer): string {
  return `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
}

function sendCacheable(context: RequestContext, document: CachedDocument): void {
  const headers: HeaderList = [
    'Audit-Id',
    context.auditId,
    'Cache-Control',
    'public',
    'Etag',
    document.etag,
    'Vary',
    'Accept',
  ];
  if (context.request.headers['if-none-match'] === document.etag) {
    context.response.writeHead(304, headers);
    context.response.end();
    return;
  }
  headers.push('Content-Type', document.contentType);
  sendBytes(context, 200, headers, document.body);
}
