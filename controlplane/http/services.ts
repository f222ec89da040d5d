// What handlers work with: the narrow ports of one running server, put together in start.ts.
import type { Authorizer } from '../identity/authorizer.ts';
import type { TokenAuthenticator } from '../identity/token-authenticator.ts';
import type { RBACAuthorizer } from '../rbac/rbac-authorizer.ts';
import type { ServiceAccountTokens } from '../tokens/service-account-tokens.ts';
import type { CertificateRequest } from '../identity/issuer.ts';
import type { Registry } from '../registry/types.ts';
import type { Scheme } from '../api/scheme.ts';
import type { SecretsKeys } from '../secrets/secrets-keys.ts';
import type { Store } from '../store/types.ts';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';

import type { Auditor } from './audit/auditor.ts';
import type { ConsolePort } from './console-port.ts';
import type { Fairness } from './fairness/fairness.ts';
import type { ServerMetrics } from './metrics.ts';
import type { PersistencePort } from './persistence-port.ts';
import type { NodeTunnels } from './tunnels.ts';

export interface VersionInfo {
  /** `0.1.0` of the windlass package. */
  readonly windlass: string;
}

/** One line of /readyz. Undefined when fine, else why not (shown in the log only, as upstream withholds it). */
export interface HealthCheck {
  readonly name: string;
  check(): string | undefined;
}

/** The cluster's own authority, as far as it signs for others. */
export interface CertificateSigner {
  /** Names that only the API server has. */
  readonly reserved: readonly string[];
  /** PEM with the chain. Rejects when `publicKey` is not one that it can sign. */
  certify(request: CertificateRequest, publicKey: string): Promise<string>;
}

/** The certificates of the server itself, for `windlass certificates`. Each change resolves with how things are then. */
export interface OwnCertificatesPort {
  /** PEM of all authorities that are believed, the one that signs first. */
  readonly authorities: string;
  status(): object;
  renew(): Promise<object>;
  rotateAuthority(): Promise<object>;
  forgetEarlier(): Promise<object>;
}

export interface Services {
  readonly scheme: Scheme;
  readonly store: Store;
  readonly registry: Registry;
  readonly secrets: SecretsKeys;
  readonly authorizer: Authorizer;
  /** Knows all rules of a user, for who asks for them. */
  readonly rbac: RBACAuthorizer;
  readonly tokens: {
    readonly accounts: ServiceAccountTokens;
    /** Whose token is it? Of all kinds. */
    readonly authenticator: TokenAuthenticator;
  };
  readonly tunnels: NodeTunnels;
  readonly certificates: CertificateSigner;
  readonly ownCertificates: OwnCertificatesPort;
  readonly persistence: PersistencePort;
  /** Absent when nobody shall have one. */
  readonly console: ConsolePort | undefined;
  /** Absent when nothing is written down. */
  readonly auditor: Auditor | undefined;
  readonly fairness: Fairness;
  readonly metrics: ServerMetrics;
  /** The text of /metrics. */
  readonly exposeMetrics: () => Promise<string>;
  readonly metricsContentType: string;
  readonly healthChecks: readonly HealthCheck[];
  readonly version: VersionInfo;
  /** `host:port` clients reach us at, for APIVersions. */
  readonly serverAddress: () => string;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
}
