// Puts a control plane together: identity and persistence, store, registry, bootstrap objects, then the listener. Nothing
// is reachable before everything is loaded. Closes in the reverse order.
import { openMachineId } from '#persistence/machine-id.ts';
import { systemIds } from '#platform/id.ts';

import { AdmissionControl } from './admission/admission-control.ts';
import { PolicyStatus } from './admission/policies/policy-status.ts';
import { ConversionWebhooks } from './admission/conversion-webhooks.ts';
import { builtinDefinitions } from './api/builtin/definitions.ts';
import { Scheme } from './api/scheme.ts';
import { builtinSchema } from './api/schema/corpus.ts';
import { openConsole } from './console/open-console.ts';
import type { Console } from './console/open-console.ts';
import { OwnCertificates } from './certificates/own-certificates.ts';
import { SigningRequests } from './certificates/signing-requests.ts';
import { Health } from './start/health.ts';
import { StoredPods } from './http/bound-pods.ts';
import { buildInfo, exposeBuildInfo } from './http/build-info.ts';
import type { Auditor } from './http/audit/auditor.ts';
import { DEFAULT_SEATS, Fairness } from './http/fairness/fairness.ts';
import { ServerMetrics } from './http/metrics.ts';
import { startServer } from './http/server.ts';
import type { ApiServer } from './http/server.ts';
import { NodeTunnels } from './http/tunnels.ts';
import { usageDefinitions } from './http/usage/definitions.ts';
import { Authenticator } from './identity/authenticate.ts';
import { UnionTokenAuthenticator } from './identity/token-authenticator.ts';
import { NodeAuthorizer } from './identity/node-authorizer.ts';
import { reachableAddresses, urlOf } from './identity/server-names.ts';
import { Kubeconfigs } from './identity/kubeconfigs.ts';
import { openData } from './start/open-data.ts';
import { openAudit } from './start/open-audit.ts';
import type { ControlPlaneOptions } from './start/options.ts';
import { AccessControl } from './rbac/access-control.ts';
import { CONTROLLERS_USER, OWN_POLICY } from './rbac/own-roles.ts';
import type { ShownPersistence } from './persistence-instances/show-persistence.ts';
import { Conversions } from './registry/conversion.ts';
import { createRegistry } from './registry/registry.ts';
import type { RunningRegistry } from './registry/registry.ts';
import type { SecretsKeys } from './secrets/secrets-keys.ts';
import { Stopwatch } from './start/stopwatch.ts';
import type { Store } from './store/types.ts';
import { openTokens } from './tokens/open-tokens.ts';
import type { Tokens } from './tokens/open-tokens.ts';
import { EndedTokens } from './tokens/ended-tokens.ts';
import { TokenSecrets } from './tokens/token-secrets.ts';

export type { JwtIssuerSettings } from './tokens/jwt-issuer.ts';
export type { AuthenticationOptions } from './tokens/open-tokens.ts';
export { AUDIT_LEVELS, AUDIT_STAGES } from './http/audit/policy.ts';
export type { AuditPolicy, AuditResources, AuditRule } from './http/audit/policy.ts';
export type { AuditOptions, ControlPlaneOptions } from './start/options.ts';

export interface ControlPlane {
  /** `https://127.0.0.1:6443` */
  readonly url: string;
  readonly port: number;
  /** PEM of the authority. */
  readonly caFile: string;
  readonly adminKubeconfig: string;
  /** Where this start made the first key for Secrets: its owner should be told to keep it safe. */
  readonly secretsKeyMadeIn: string | undefined;
  /** Writes the file, with a client certificate, and gives its path. */
  controllersKubeconfig(): Promise<string>;
  nodeKubeconfig(nodeName: string): Promise<string>;
  close(): Promise<void>;
}

/**
 * Resolves when /readyz answers ok.
 *
 * @throws ListenError, CertificateFileError, PersistenceUrlError, ForeignDataError, InstanceLockedError, SecretsKeyError,
 *   TokenFileError, CorruptDataError, StorageFullError, StorageFailedError; the signal's reason when it aborts
 */
export async function startControlPlane(
  options: ControlPlaneOptions,
  signal: AbortSignal,
): Promise<ControlPlane> {
  const { clock, logger, dataDir } = options;
  const stopwatch = new Stopwatch(clock, logger);
  await using cleanup = new AsyncDisposableStack();

  const machineId = await openMachineId(dataDir);
  stopwatch.lap('machine id');
  const health = new Health();
  const [certificates, data] = await Promise.all([
    OwnCertificates.open(options),
    openData(options, machineId, health, cleanup, signal),
  ]);
  stopwatch.lap('certificates and store');
  signal.throwIfAborted();

  const scheme = new Scheme();
  scheme.add([
    ...builtinDefinitions(builtinSchema),
    ...data.shown.definitions,
    ...usageDefinitions,
  ]);
  const { store } = data.shown;
  const access = new AccessControl(store, new NodeAuthorizer(new StoredPods(store)));
  const { guard: privileges } = access;
  const ids = systemIds;
  const { authorizer } = access;
  const { metrics } = options;
  const asked = { store, scheme, authorizer, clock, ids, logger, metrics };
  const callers = new ConversionWebhooks(asked);
  cleanup.defer(() => callers.close());
  const conversions = new Conversions(callers);
  const admission = new AdmissionControl({ ...asked, conversions });
  cleanup.defer(() => admission.close());
  const registry = createRegistry({
    scheme,
    store,
    clock,
    ids,
    logger,
    privileges,
    admission,
    conversions,
    metrics: options.metrics,
  });
  cleanup.defer(() => registry.close());
  cleanup.defer(() => access.close());
  cleanup.defer(data.shown.recordEvents(registry, scheme));
  const statuses = new PolicyStatus({ store, scheme, registry, logger });
  cleanup.defer(() => statuses.close());
  await registry.bootstrap(options.bootstrapObjects, signal, options.ownKinds);
  await access.start({ scheme, registry, logger }, OWN_POLICY, signal);
  stopwatch.lap('registry and bootstrap objects');
  signal.throwIfAborted();

  const tokens = await openTokens({ ...options, store, ids: systemIds });
  const console = options.console === false ? undefined : consoleOf(options, tokens);
  const tokenSecrets = new TokenSecrets({
    scheme,
    store,
    registry,
    tokens: tokens.accounts,
    certificateAuthority: () => certificates.store.authority.trusted,
    logger,
  });
  tokenSecrets.start();
  cleanup.defer(() => tokenSecrets.close());
  const endedTokens = new EndedTokens({ scheme, store, registry, clock, logger });
  endedTokens.start();
  cleanup.defer(() => endedTokens.close());
  const requests = new SigningRequests({
    scheme,
    store,
    registry,
    authorizer: access.authorizer,
    certificates: certificates.store,
    clock,
    logger,
  });
  requests.start();
  cleanup.defer(() => requests.close());
  const server = await listen(options, {
    auditor: openAudit(options, cleanup),
    certificates,
    tokens: console === undefined ? tokens : withSessions(tokens, console),
    console,
    scheme,
    access,
    registry,
    store,
    secrets: data.secrets,
    health,
    shown: data.shown,
  });
  cleanup.defer(() => server.close());
  stopwatch.lap('listen');
  await registry.announce(
    { addresses: reachableAddresses(options.bind), port: server.port },
    signal,
  );
  stopwatch.lap('objects that name the server');

  const url = urlOf(options.bind, server.port);
  const kubeconfigs = new Kubeconfigs(dataDir, certificates.store, url);
  const adminKubeconfig = await kubeconfigs.write('admin', 'admin', ['system:masters']);
  certificates.start({
    kubeconfigs,
    apply: (isForgetting) => {
      const { serving: certificate, clientAuthority } = certificates;
      server.serveWith({ certificate, clientAuthority });
      tokenSecrets.refresh();
      options.onCertificatesChanged?.();
      if (!isForgetting) return;
      console?.sessions.endAll();
      server.disconnect();
    },
  });
  cleanup.defer(() => certificates.close());
  health.isStarted = true;
  stopwatch.lap('kubeconfig');

  const stack = cleanup.move();
  return {
    url,
    port: server.port,
    caFile: certificates.store.authority.file,
    adminKubeconfig,
    secretsKeyMadeIn: data.secrets.madeKeyIn,
    controllersKubeconfig: () => kubeconfigs.write('controllers', CONTROLLERS_USER, []),
    nodeKubeconfig: (nodeName) =>
      kubeconfigs.write('node', `system:node:${nodeName}`, ['system:nodes'], 'node'),
    close: async () => {
      health.isStopping = true;
      await stack.disposeAsync();
    },
  };
}

interface Parts {
  readonly auditor: Auditor | undefined;
  readonly certificates: OwnCertificates;
  readonly scheme: Scheme;
  readonly access: AccessControl;
  readonly tokens: Tokens;
  readonly console: Console | undefined;
  readonly registry: RunningRegistry;
  readonly store: Store;
  readonly secrets: SecretsKeys;
  readonly health: Health;
  readonly shown: ShownPersistence;
}

function consoleOf({ clock, logger }: ControlPlaneOptions, tokens: Tokens): Console {
  const { authenticator, accounts } = tokens;
  const audience = accounts.issuer;
  return openConsole({ clock, ids: systemIds, logger, audience, tokens: authenticator });
}

/** What a session of the console shows is a token, too. */
function withSessions(tokens: Tokens, { sessions }: Console): Tokens {
  const authenticator = new UnionTokenAuthenticator([sessions, tokens.authenticator]);
  return { ...tokens, authenticator };
}

async function listen(options: ControlPlaneOptions, parts: Parts): Promise<ApiServer> {
  const { clock, logger, metrics, extraMetrics } = options;
  const { certificates, scheme, access, tokens, registry, store, secrets, health } = parts;
  exposeBuildInfo(metrics, buildInfo(options.version));
  const server: ApiServer = await startServer(
    {
      scheme,
      registry,
      store,
      secrets,
      clock,
      logger,
      ids: systemIds,
      authorizer: access.authorizer,
      rbac: access.rbac,
      tokens,
      certificates: {
        reserved: certificates.reservedNames,
        certify: (request, publicKey) => certificates.store.certify(request, publicKey),
      },
      ownCertificates: certificates,
      tunnels: new NodeTunnels({ clock, ids: systemIds, logger }),
      persistence: parts.shown.operations,
      console: parts.console,
      auditor: parts.auditor,
      fairness: new Fairness({
        clock,
        metrics,
        seats: options.maxRequestsInFlight ?? DEFAULT_SEATS,
        controllersUser: CONTROLLERS_USER,
      }),
      metrics: new ServerMetrics(metrics),
      exposeMetrics: async () => {
        const [own, other] = await Promise.all([metrics.expose(), extraMetrics?.() ?? '']);
        return `${own}${other}`;
      },
      metricsContentType: metrics.contentType,
      healthChecks: [...health.checks, ...parts.shown.checks],
      version: { windlass: options.version },
      serverAddress: () => new URL(urlOf(options.bind, server.port)).host,
    },
    {
      bind: options.bind,
      port: options.port,
      certificate: certificates.serving,
      clientAuthority: certificates.clientAuthority,
      authenticator: new Authenticator(clock, tokens.authenticator),
    },
  );
  return server;
}
