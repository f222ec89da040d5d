// Puts a control plane together: identity and persistence, store, registry, bootstrap objects, then the listener. Nothing
// is reachable before everything is loaded. Closes in the reverse order.
import path from 'node:path';

import { openMachineId } from '#persistence/machine-id.ts';
import { openPersistence } from '#persistence/open.ts';
import type { ReplicationOptions } from '#persistence/open.ts';
import type { KeySourceSetting } from '#persistence/secrets/key-source.ts';
import { openKeyring } from '#persistence/secrets/open-keyring.ts';
import { Sealer } from '#persistence/secrets/sealer.ts';
import type { Clock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';

import { builtinDefinitions } from './api/builtin/definitions.ts';
import { Scheme } from './api/scheme.ts';
import { builtinSchema } from './api/schema/corpus.ts';
import { SigningRequests } from './certificates/signing-requests.ts';
import { StoredPods } from './http/bound-pods.ts';
import { buildInfo, exposeBuildInfo } from './http/build-info.ts';
import { ServerMetrics } from './http/metrics.ts';
import { startServer } from './http/server.ts';
import type { ApiServer } from './http/server.ts';
import type { HealthCheck } from './http/services.ts';
import { NodeTunnels } from './http/tunnels.ts';
import { Authenticator } from './identity/authenticate.ts';
import { CertificateStore } from './identity/certificate-store.ts';
import type { KeyPair } from './identity/issuer.ts';
import { writeKubeconfig } from './identity/kubeconfig.ts';
import { NodeAuthorizer } from './identity/node-authorizer.ts';
import { reachableAddresses, serverNames, urlOf } from './identity/server-names.ts';
import { AccessControl } from './rbac/access-control.ts';
import { CONTROLLERS_USER, OWN_POLICY } from './rbac/own-roles.ts';
import { showPersistence } from './persistence-instances/show-persistence.ts';
import type { ShownPersistence } from './persistence-instances/show-persistence.ts';
import { createRegistry } from './registry/registry.ts';
import type { RunningRegistry } from './registry/registry.ts';
import { SecretsKeys } from './secrets/secrets-keys.ts';
import { openStore } from './store/store.ts';
import type { Store } from './store/types.ts';
import { openTokens } from './tokens/open-tokens.ts';
import type { AuthenticationOptions, Tokens } from './tokens/open-tokens.ts';
import { TokenSecrets } from './tokens/token-secrets.ts';

export type { JwtIssuerSettings } from './tokens/jwt-issuer.ts';
export type { AuthenticationOptions } from './tokens/open-tokens.ts';

export interface ControlPlaneOptions {
  readonly dataDir: string;
  /** Address to listen on. */
  readonly bind: string;
  /** 0: any free one. */
  readonly port: number;
  /** URLs; the first that can be used is the primary. */
  readonly persistence: readonly string[];
  /** How the instances go together. */
  readonly replication?: ReplicationOptions;
  /** Where the keys that Secrets are sealed with come from; the first source's first key seals, and is made when there is none. */
  readonly secretsKeys: readonly KeySourceSetting[];
  /** Storage keys of further kinds to seal. */
  readonly sealKinds?: readonly string[];
  /** Storage keys of resources whose writes are acknowledged before they are durable. */
  readonly relaxed?: readonly string[];
  /** PEM of what to serve with; absent: a certificate of our own authority, made for the names of this machine. */
  readonly servingCertificate?: KeyPair;
  /** PEM of further authorities whose client certificates are believed. */
  readonly clientAuthorities?: string;
  /** Created or brought up to date before listening, e.g. our CustomResourceDefinitions. */
  readonly bootstrapObjects: readonly unknown[];
  /** How people and programs show who they are, beside client certificates and tokens of service accounts. */
  readonly authentication?: AuthenticationOptions;
  /** Of the windlass package, for /version. */
  readonly version: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  /** Exposition text of other threads, appended to /metrics. */
  readonly extraMetrics?: () => Promise<string>;
  /** The storage is lost for good: reads still answer, writes are 503, the process should end. */
  readonly onFailure?: (error: Error) => void;
}

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
    openCertificates(options),
    openData(options, machineId, health, cleanup, signal),
  ]);
  stopwatch.lap('certificates and store');
  signal.throwIfAborted();

  const scheme = new Scheme();
  scheme.add([...builtinDefinitions(builtinSchema), ...data.shown.definitions]);
  const { store } = data.shown;
  const access = new AccessControl(store, new NodeAuthorizer(new StoredPods(store)));
  const { guard: privileges } = access;
  const registry = createRegistry({ scheme, store, clock, ids: systemIds, logger, privileges });
  cleanup.defer(() => registry.close());
  cleanup.defer(() => access.close());
  cleanup.defer(data.shown.recordEvents(registry, scheme));
  await registry.bootstrap(options.bootstrapObjects, signal);
  await access.start({ scheme, registry, logger }, OWN_POLICY, signal);
  stopwatch.lap('registry and bootstrap objects');
  signal.throwIfAborted();

  const tokens = await openTokens({ ...options, store, ids: systemIds });
  const tokenSecrets = new TokenSecrets({
    scheme,
    store,
    registry,
    tokens: tokens.accounts,
    certificateAuthority: certificates.store.authorityCertificate,
    logger,
  });
  tokenSecrets.start();
  cleanup.defer(() => tokenSecrets.close());
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
    certificates,
    tokens,
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
  health.isStarted = true;
  stopwatch.lap('kubeconfig');

  const stack = cleanup.move();
  return {
    url,
    port: server.port,
    caFile: certificates.store.authorityFile,
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

interface Certificates {
  readonly store: CertificateStore;
  readonly server: Awaited<ReturnType<CertificateStore['ensure']>>;
  /** Those of the server's own certificate, which nobody else gets one for. */
  readonly reservedNames: readonly string[];
}

async function openCertificates({
  dataDir,
  clock,
  bind,
}: ControlPlaneOptions): Promise<Certificates> {
  const store = await CertificateStore.open(path.join(dataDir, 'pki'), clock);
  const names = serverNames(bind);
  return {
    store,
    server: await store.ensure('server', names),
    reservedNames: names.usage === 'server' ? names.dnsNames : [],
  };
}

async function openData(
  options: ControlPlaneOptions,
  machineId: Awaited<ReturnType<typeof openMachineId>>,
  health: Health,
  cleanup: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<{ readonly shown: ShownPersistence; readonly secrets: SecretsKeys }> {
  const { clock, logger, metrics } = options;
  const sealer = new Sealer(await openKeyring(options.secretsKeys, clock), options.sealKinds);
  const log = await openPersistence(
    {
      ...options.replication,
      urls: options.persistence,
      machineId,
      dataDir: options.dataDir,
      clock,
      warn: (message) => logger.warn(message),
    },
    signal,
  );
  cleanup.use(log);
  const store = await openStore({
    log,
    clock,
    metrics,
    transformer: sealer,
    relaxed: options.relaxed ?? [],
    signal,
    onFailure: (error) => {
      health.storageFailure = error.message;
      logger.error('Storage is lost; writes are refused from now on', { error });
      options.onFailure?.(error);
    },
  });
  cleanup.use(store);
  const shown = showPersistence({ log, store, clock, ids: systemIds, logger });
  cleanup.defer(() => shown.close());
  const secrets = new SecretsKeys({
    store,
    sealer,
    logger,
    replay: (aborted) => log.replay(aborted),
    lagging: () =>
      log.instances().find(({ state, lagRevisions }) => state !== 'Up' || lagRevisions > 0)?.name,
  });
  cleanup.use(secrets);
  const stale = secrets.staleObjects().length;
  if (stale > 0)
    logger.warn('Not all Secrets are sealed with the first key: run windlass secrets rotate', {
      objects: stale,
    });
  return { shown, secrets };
}

interface Parts {
  readonly certificates: Certificates;
  readonly scheme: Scheme;
  readonly access: AccessControl;
  readonly tokens: Tokens;
  readonly registry: RunningRegistry;
  readonly store: Store;
  readonly secrets: SecretsKeys;
  readonly health: Health;
  readonly shown: ShownPersistence;
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
      tunnels: new NodeTunnels({ clock, ids: systemIds, logger }),
      persistence: parts.shown.operations,
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
      certificate: options.servingCertificate ?? certificates.server,
      clientAuthority: `${certificates.store.authorityCertificate}${options.clientAuthorities ?? ''}`,
      authenticator: new Authenticator(clock, tokens.authenticator),
    },
  );
  return server;
}

/** What /readyz looks at. */
class Health {
  isStarted = false;
  isStopping = false;
  storageFailure: string | undefined;

  readonly checks: readonly HealthCheck[] = [
    { name: 'storage', check: () => this.storageFailure },
    { name: 'bootstrap', check: () => (this.isStarted ? undefined : 'start is not finished') },
    { name: 'shutdown', check: () => (this.isStopping ? 'the server is stopping' : undefined) },
  ];
}

class Kubeconfigs {
  readonly #dataDir: string;
  readonly #certificates: CertificateStore;
  readonly #url: string;

  constructor(dataDir: string, certificates: CertificateStore, url: string) {
    this.#dataDir = dataDir;
    this.#certificates = certificates;
    this.#url = url;
  }

  async write(
    name: string,
    user: string,
    groups: readonly string[],
    usage: 'client' | 'node' = 'client',
  ): Promise<string> {
    const client = await this.#certificates.ensure(name, {
      usage,
      commonName: user,
      organizations: groups,
    });
    const file = path.join(this.#dataDir, `${name}.kubeconfig`);
    await writeKubeconfig(file, {
      server: this.#url,
      authorityCertificate: this.#certificates.authorityCertificate,
      user,
      client,
    });
    return file;
  }
}

/** Where the time of a start goes, at debug level. */
class Stopwatch {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #last: number;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
    this.#last = clock.monotonic();
  }

  lap(phase: string): void {
    const now = this.#clock.monotonic();
    this.#logger.debug('Start phase finished', {
      phase,
      milliseconds: Math.round(now - this.#last),
    });
    this.#last = now;
  }
}
