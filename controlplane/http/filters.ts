// What every request passes before its handler, outermost first. Each filter wraps the next one once, when the server
// is built, so that a request costs calls and no closures.
import { parseFieldSelector, requiredValue } from '../api/field-selectors.ts';
import type { Authenticator } from '../identity/authenticate.ts';
import type { UserInfo } from '../api/user.ts';
import type { Attributes } from '../identity/authorizer.ts';

import type { Auditor } from './audit/auditor.ts';
import type { Handler, RequestContext } from './context.ts';
import { identify } from './identify.ts';
import { permit } from './permit.ts';
import { sendError } from './respond.ts';
import type { Services } from './services.ts';

export type Filter = (next: Handler) => Handler;

/** Whoever showed something that does not count. */
const NOBODY: UserInfo = { name: '', groups: [] };

/** The order matters: nothing may fail outside the panic guard, and nobody is authorized unauthenticated. */
export function filterChain(services: Services, authenticator: Authenticator): Filter {
  const filters: readonly Filter[] = [
    panicGuard(services),
    authenticate(services, authenticator),
    takeTurn(services),
    resolveDefinition(services),
    authorize(services),
  ];
  return (handler) => filters.reduceRight((next, filter) => filter(next), handler);
}

/** Whatever is thrown becomes an answer; nothing of a request reaches the process. */
function panicGuard(services: Services): Filter {
  return (next) => (context) => {
    try {
      const pending = next(context);
      if (pending !== undefined) pending.catch((error: unknown) => fail(context, error));
    } catch (error) {
      fail(context, error);
    }
  };
  function fail(context: RequestContext, error: unknown): void {
    if (context.response.destroyed) return; // the client left; its abort is the error
    sendError(context, error, services.logger);
  }
}

function authenticate(services: Services, authenticator: Authenticator): Filter {
  const { auditor } = services;
  if (auditor !== undefined) return authenticateAudited(services, authenticator, auditor);
  return (next) => (context) => {
    const user = identify(services, authenticator, context.request);
    if (user instanceof Promise) return enterLate(context, user, next);
    context.user = user;
    return next(context);
  };
}

/** The same, and written down: also of those who are refused here, as far as they are known. */
function authenticateAudited(
  services: Services,
  authenticator: Authenticator,
  auditor: Auditor,
): Filter {
  return (next) => async (context) => {
    let actor: UserInfo | undefined;
    const begin = (user: UserInfo, as: UserInfo | undefined): void => {
      const { auditId, request, info } = context;
      context.audit = auditor.begin({ auditId, request, info, user, actor: as });
    };
    try {
      context.user = await identify(services, authenticator, context.request, (found) => {
        actor = found;
      });
    } catch (error) {
      begin(actor ?? NOBODY, undefined);
      throw error;
    }
    begin(context.user, actor);
    await next(context);
  };
}

/** Whoever has too many requests at once waits, so that others need not. */
function takeTurn({ fairness }: Services): Filter {
  return (next) => (context) => {
    const turn = fairness.enter(context);
    return turn === undefined ? next(context) : goOnAfter(turn, context, next);
  };
}

async function goOnAfter(
  turn: Promise<void>,
  context: RequestContext,
  next: Handler,
): Promise<void> {
  await turn;
  await next(context);
}

async function enterLate(
  context: RequestContext,
  user: Promise<UserInfo>,
  next: Handler,
): Promise<void> {
  context.user = await user;
  await next(context);
}

/** Looks up the kind, for metrics and the handler. Unknown ones go on: who may not ask must not learn what exists. */
function resolveDefinition(services: Services): Filter {
  return (next) => (context) => {
    const { info } = context;
    if (info.isResourceRequest) {
      context.definition = services.scheme.byResource(info.group, info.version, info.resource);
    }
    return next(context);
  };
}

function authorize(services: Services): Filter {
  return (next) => (context) => {
    permit(services, attributesOf(context), context.audit);
    return next(context);
  };
}

export function attributesOf({ info, user }: Pick<RequestContext, 'info' | 'user'>): Attributes {
  const isCollection = info.verb === 'list' || info.verb === 'watch';
  const fieldSelector = isCollection ? (info.query.get('fieldSelector') ?? '') : '';
  return {
    user,
    verb: info.verb,
    isResourceRequest: info.isResourceRequest,
    path: info.path,
    group: info.group,
    version: info.version,
    resource: info.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    // A list of one object by name is judged as that object, as upstream does.
    name:
      info.name === '' && fieldSelector !== ''
        ? (requiredValue(parseFieldSelector(fieldSelector), 'metadata.name') ?? '')
        : info.name,
    fieldSelector,
  };
}
