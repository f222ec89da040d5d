// Writes down who asked for what and what came of it, as audit.k8s.io/v1 Events, as far as the policy wants it. Bodies of Secrets, of
// other kinds that are sealed in storage, and of what hands out tokens are never written down: at most their metadata.
import type { IncomingMessage } from 'node:http';

import type { Clock } from '#platform/clock.ts';
import type { Counter, MetricsRegistry } from '#platform/metrics.ts';

import type { Status } from '../../api/errors.ts';
import { formatMicroTime } from '../../api/timestamps.ts';
import type { UserInfo } from '../../api/user.ts';
import type { RequestInfo } from '../request-info.ts';

import { ruleFor } from './policy.ts';
import type { AuditLevel, AuditPolicy, AuditRule, AuditStage } from './policy.ts';

/** Bodies beyond this are left out, and the annotation of upstream says so. */
const BODY_LIMIT_BYTES = 256 * 1024;
const TRUNCATED = 'audit.k8s.io/truncated';
/** What hands out tokens outside of the API. */
const SIGN_IN_PATH = '/windlass/v1/console/';
const WITH_TOKENS = new Set(['core/serviceaccounts/token', 'authentication.k8s.io/tokenreviews']);

export interface AuditorOptions {
  readonly policy: AuditPolicy;
  /** Takes one event, a line of JSON without its end. Never throws. */
  readonly write: (line: string) => void;
  /** Storage keys of the kinds whose bodies are secret. */
  readonly sealedKinds: readonly string[];
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
}

/** What is known of a request when it begins. */
export interface AuditedRequest {
  readonly auditId: string;
  readonly request: Pick<IncomingMessage, 'url' | 'headers' | 'socket'>;
  readonly info: RequestInfo;
  readonly user: UserInfo;
  /** Who acts as `user`. */
  readonly actor: UserInfo | undefined;
}

export class Auditor {
  readonly #options: AuditorOptions;
  readonly #sealed: ReadonlySet<string>;
  readonly #events: Counter;
  readonly #levels: Counter;

  constructor(options: AuditorOptions) {
    this.#options = options;
    this.#sealed = new Set(['core/secrets', ...options.sealedKinds]);
    const { metrics } = options;
    this.#events = metrics.counter({
      name: 'apiserver_audit_event_total',
      help: '[ALPHA] Counter of audit events generated and sent to the audit backend.',
    });
    this.#levels = metrics.counter({
      name: 'apiserver_audit_level_total',
      help: '[ALPHA] Counter of policy levels for audit events (1 per request).',
      labelNames: ['level'],
    });
  }

  /** Undefined when the policy does not want the request. */
  begin(asked: AuditedRequest): Audit | undefined {
    const { policy, clock } = this.#options;
    const rule = ruleFor(policy, { ...asked.info, user: asked.user });
    this.#levels.inc({ level: rule?.level ?? 'None' });
    if (rule === undefined) return undefined;
    const audit = new Audit(asked, rule, this.#levelOf(rule, asked.info), clock, (event) => {
      this.#events.inc();
      this.#options.write(JSON.stringify(event));
    });
    audit.received();
    return audit;
  }

  #levelOf({ level }: AuditRule, info: RequestInfo): AuditLevel {
    const { group, resource, subresource, path } = info;
    const key = `${group === '' ? 'core' : group}/${resource}`;
    const isSecret =
      path.startsWith(SIGN_IN_PATH) ||
      this.#sealed.has(key) ||
      WITH_TOKENS.has(key) ||
      WITH_TOKENS.has(`${key}/${subresource}`);
    return isSecret ? 'Metadata' : level;
  }
}

/** One request that is written down. */
export class Audit {
  readonly #base: Readonly<Record<string, unknown>>;
  readonly #rule: AuditRule;
  readonly #level: AuditLevel;
  readonly #clock: Clock;
  readonly #emit: (event: object) => void;
  readonly #annotations: Record<string, string> = {};
  #failure: object = {};
  #requestObject: unknown;
  #responseObject: unknown;

  constructor(
    { auditId, request, info, user, actor }: AuditedRequest,
    rule: AuditRule,
    level: AuditLevel,
    clock: Clock,
    emit: (event: object) => void,
  ) {
    this.#rule = rule;
    this.#level = level;
    this.#clock = clock;
    this.#emit = emit;
    const userAgent = request.headers['user-agent'];
    this.#base = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level,
      auditID: auditId,
      requestURI: request.url ?? info.path,
      verb: info.verb,
      user: shownUser(actor ?? user),
      ...(actor === undefined ? {} : { impersonatedUser: shownUser(user) }),
      sourceIPs: [request.socket.remoteAddress ?? ''],
      ...(userAgent === undefined ? {} : { userAgent: userAgent.slice(0, 1024) }),
      ...(info.isResourceRequest ? { objectRef: objectRef(info) } : {}),
      requestReceivedTimestamp: formatMicroTime(clock.now()),
    };
  }

  get wantsRequest(): boolean {
    return this.#level === 'Request' || this.#level === 'RequestResponse';
  }

  get wantsResponse(): boolean {
    return this.#level === 'RequestResponse';
  }

  /** The decoded body, as it is now. */
  requestObject(object: unknown): void {
    if (this.wantsRequest) this.#requestObject = this.#kept(() => JSON.stringify(object));
  }

  /** The body of the answer; JSON. */
  responseBody(body: Buffer): void {
    if (this.wantsResponse) this.#responseObject = this.#kept(() => body.toString('utf8'));
  }

  /** The request was refused, or failed. */
  failed({ status, reason, message }: Status): void {
    this.#failure = { status, reason, message };
  }

  /** May the user? */
  decided(isAllowed: boolean, reason: string): void {
    this.#annotations['authorization.k8s.io/decision'] = isAllowed ? 'allow' : 'forbid';
    if (reason !== '') this.#annotations['authorization.k8s.io/reason'] = reason;
  }

  /** What webhooks and policies have to say. The first value of a key stays. */
  annotate(key: string, value: string): void {
    this.#annotations[key] ??= value;
  }

  received(): void {
    this.#stage('RequestReceived', {});
  }

  /** A watch or a stream begins. */
  responseStarted(code: number): void {
    this.#stage('ResponseStarted', { responseStatus: { metadata: {}, code } });
  }

  /** @param code 0: the client left before there was an answer */
  responseComplete(code: number): void {
    this.#stage('ResponseComplete', {
      responseStatus: { metadata: {}, code, ...this.#failure },
      ...(this.#requestObject === undefined ? {} : { requestObject: this.#requestObject }),
      ...(this.#responseObject === undefined ? {} : { responseObject: this.#responseObject }),
    });
  }

  #stage(stage: AuditStage, more: object): void {
    if (this.#rule.omitStages.includes(stage)) return;
    this.#emit({
      ...this.#base,
      stage,
      ...more,
      stageTimestamp: formatMicroTime(this.#clock.now()),
      ...(Object.keys(this.#annotations).length === 0 ? {} : { annotations: this.#annotations }),
    });
  }

  #kept(textOf: () => string): unknown {
    const text = textOf();
    if (text.length > BODY_LIMIT_BYTES) {
      this.#annotations[TRUNCATED] = 'true';
      return undefined;
    }
    let object: unknown;
    try {
      object = JSON.parse(text);
    } catch {
      return undefined; // YAML, or a stream of something else
    }
    if (this.#rule.omitManagedFields) withoutManagedFields(object);
    return object;
  }
}

function shownUser({ name, groups, uid, extra }: UserInfo): object {
  return {
    username: name,
    ...(uid === undefined || uid === '' ? {} : { uid }),
    groups,
    ...(extra === undefined ? {} : { extra }),
  };
}

function objectRef({
  group,
  version,
  resource,
  subresource,
  namespace,
  name,
}: RequestInfo): object {
  return {
    resource,
    ...(namespace === '' ? {} : { namespace }),
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { apiGroup: group }),
    apiVersion: version,
    ...(subresource === '' ? {} : { subresource }),
  };
}

function withoutManagedFields(object: unknown): void {
  const { metadata, items } = (object ?? {}) as {
    metadata?: Record<string, unknown>;
    items?: unknown;
  };
  if (typeof metadata === 'object') delete metadata['managedFields'];
  if (Array.isArray(items)) for (const item of items) withoutManagedFields(item);
}
