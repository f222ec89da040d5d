// RequestInfo → handler. Says 404 for kinds and subresources that are not served, 405 for verbs they do not have.
import { badRequest, methodNotAllowed, notFound, unknownPath } from '../api/errors.ts';
import { checkPathSegment } from '../api/names.ts';
import type { Verb } from '../api/resource.ts';

import type { Handler } from './context.ts';
import { CONSOLE_PATH, consoleHandler, SIGN_IN_PATH, signInHandler } from './handlers/console.ts';
import { createHandler } from './handlers/create.ts';
import { deleteHandler } from './handlers/delete.ts';
import { deleteCollectionHandler } from './handlers/delete-collection.ts';
import { discoveryHandler } from './handlers/discovery.ts';
import { getHandler } from './handlers/get.ts';
import { healthHandler, healthMetricsHandler } from './handlers/health.ts';
import { HealthMetrics } from './health-metrics.ts';
import { listHandler } from './handlers/list.ts';
import { logHandler } from './handlers/log.ts';
import { metricsHandler, rootHandler, versionHandler } from './handlers/server-info.ts';
import { nodeProxyHandler } from './handlers/node-proxy.ts';
import { certificatesPath, nodeCertificateHandler } from './handlers/node-certificate.ts';
import { isReview, reviewHandler } from './handlers/review.ts';
import { openapiHandler } from './handlers/openapi.ts';
import { patchHandler } from './handlers/patch.ts';
import { OWN_CERTIFICATES_PATH, ownCertificatesHandler } from './handlers/own-certificates.ts';
import { SECRETS_PATH, secretsHandler } from './handlers/secrets-keys.ts';
import {
  attachHandler,
  detachHandler,
  dumpHandler,
  historyHandler,
  promoteHandler,
  resyncHandler,
  verifyHandler,
} from './handlers/persistence.ts';
import { isUsage, usageHandler } from './handlers/usage.ts';
import { connectHandler, scaleHandler } from './handlers/subresource.ts';
import { issuerHandler, jwksHandler, tokenRequestHandler } from './handlers/token-request.ts';
import { updateHandler } from './handlers/update.ts';
import { watchHandler } from './handlers/watch.ts';
import type { RequestInfo } from './request-info.ts';
import { isInScope } from './scope.ts';
import type { Services } from './services.ts';

export function createRouter(services: Services): Handler {
  const resources: Readonly<Record<Verb, Handler>> = {
    get: getHandler(services),
    list: listHandler(services),
    watch: watchHandler(services),
    create: createHandler(services),
    update: updateHandler(services),
    patch: patchHandler(services),
    delete: deleteHandler(services),
    deletecollection: deleteCollectionHandler(services),
  };
  const subresources: Readonly<Record<string, Handler>> = {
    scale: scaleHandler(services),
    token: tokenRequestHandler(services),
    log: logHandler(services),
    // What asks for no upgrade gets here; the others go to upgrades.ts.
    attach: upgradeRequired,
    exec: upgradeRequired,
    portforward: upgradeRequired,
    proxy: nodeProxyHandler(services),
    dump: dumpHandler(services),
    history: historyHandler(services),
    verify: verifyHandler(services),
    resync: resyncHandler(services),
    promote: promoteHandler(services),
    add: attachHandler(services),
    remove: detachHandler(services),
  };
  const connect = connectHandler(services);
  const review = reviewHandler(services);
  const usage = usageHandler(services);
  const other = nonResourceRouter(services);

  return (context) => {
    const { info, definition } = context;
    if (!info.isResourceRequest) return other(context);
    if (definition === undefined || !isInScope(info, definition)) throw unknownPath();
    if (definition.deprecationWarning !== undefined) context.warn(definition.deprecationWarning);
    // Only names that were percent-encoded can hold a slash or a percent sign.
    if (info.path.includes('%') || info.path.includes('/.')) checkNames(info);
    if (info.subresource === '') {
      if (!isVerbOf(definition.verbs, info.verb)) throw methodNotAllowed(definition);
      if (isReview(definition)) return review(context);
      if (isUsage(definition)) return usage(context);
      return resources[info.verb](context);
    }
    const subresource = definition.subresources.find(({ name }) => name === info.subresource);
    if (subresource === undefined) {
      throw definition.custom ? notFound(definition, info.name) : unknownPath();
    }
    if (!isVerbOf(subresource.verbs, info.verb)) throw methodNotAllowed(definition);
    const own = subresources[info.subresource];
    if (own !== undefined) return own(context);
    // status and its like are the object seen through another door; a POST means something of its own.
    return info.verb === 'create' ? connect(context) : resources[info.verb](context);
  };
}

function upgradeRequired(): never {
  throw badRequest('Upgrade request required');
}

function checkNames({ namespace, name }: RequestInfo): void {
  for (const value of [namespace, name]) {
    const wrong = checkPathSegment(value);
    if (wrong !== undefined) {
      throw badRequest(`invalid resource name ${JSON.stringify(value)}: [${wrong}]`);
    }
  }
}

function isVerbOf(verbs: readonly Verb[], verb: string): verb is Verb {
  return (verbs as readonly string[]).includes(verb);
}

function nonResourceRouter(services: Services): Handler {
  const discovery = discoveryHandler(services);
  const openapi = openapiHandler(services);
  const healthMetrics = new HealthMetrics();
  const health = healthHandler(services, healthMetrics);
  const certificates = nodeCertificateHandler(services);
  const secrets = secretsHandler(services);
  const ownCertificates = ownCertificatesHandler(services);
  const consoleFiles = consoleHandler(services);
  const signIn = signInHandler(services);
  const exact: Readonly<Record<string, Handler>> = {
    '/': rootHandler(services),
    '/version': versionHandler(services),
    '/metrics': metricsHandler(services),
    '/metrics/slis': healthMetricsHandler(services, healthMetrics),
    '/.well-known/openid-configuration': issuerHandler(services),
    '/openid/v1/jwks': jwksHandler(services),
  };
  return (context) => {
    const { info } = context;
    if (certificatesPath(info.path) !== undefined) return certificates(context);
    if (isAtOrBelow(info.path, SECRETS_PATH)) return secrets(context);
    if (isAtOrBelow(info.path, OWN_CERTIFICATES_PATH)) return ownCertificates(context);
    if (isAtOrBelow(info.path, CONSOLE_PATH)) return consoleFiles(context);
    if (isAtOrBelow(info.path, SIGN_IN_PATH)) return signIn(context);
    const path =
      info.path.length > 1 && info.path.endsWith('/') ? info.path.slice(0, -1) : info.path;
    const handler =
      exact[path] ??
      (isAtOrBelow(path, '/api') || isAtOrBelow(path, '/apis')
        ? discovery
        : isAtOrBelow(path, '/openapi')
          ? openapi
          : isAtOrBelow(path, '/healthz') ||
              isAtOrBelow(path, '/livez') ||
              isAtOrBelow(path, '/readyz')
            ? health
            : undefined);
    if (handler === undefined) throw unknownPath();
    if (info.method !== 'GET' && info.method !== 'HEAD') throw methodNotAllowed();
    return handler(context);
  };
}

function isAtOrBelow(path: string, root: string): boolean {
  return path === root || (path.startsWith(root) && path[root.length] === '/');
}
