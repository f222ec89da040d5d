// What a control plane is started with.
import type { ReplicationOptions } from '#persistence/open.ts';
import type { KeySourceSetting } from '#persistence/secrets/key-source.ts';
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';

import type { AuditPolicy } from '../http/audit/policy.ts';
import type { KeyPair } from '../identity/issuer.ts';
import type { AuthenticationOptions } from '../tokens/open-tokens.ts';

/** Which requests are written down, and where. */
export interface AuditOptions {
  readonly policy: AuditPolicy;
  /** Lines of JSON. */
  readonly path: string;
  /** A file that has as many is renamed. */
  readonly maxBytes: number;
  /** Renamed files that are kept; 0: all. */
  readonly maxBackups: number;
}

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
  /** What to sign with, where the data directory has no authority yet; absent: a new one. */
  readonly authority?: KeyPair;
  /** PEM of what to serve with; absent: a certificate of our own authority, made for the names of this machine. */
  readonly servingCertificate?: KeyPair;
  /** PEM of further authorities whose client certificates are believed. */
  readonly clientAuthorities?: string;
  /** Definitions of this release's own kinds, created or brought up to date before listening. They are taken as valid. */
  readonly ownKinds?: readonly unknown[];
  /** Created or brought up to date before listening, after those. */
  readonly bootstrapObjects: readonly unknown[];
  /** How people and programs show who they are, beside client certificates and tokens of service accounts. */
  readonly authentication?: AuthenticationOptions;
  /** Absent: no request is written down. */
  readonly audit?: AuditOptions;
  /** Whether people can look at it with a browser, at /console; true when absent. */
  readonly console?: boolean;
  /** Requests that are answered at once, watches aside; the others wait. 0: no limit; 600 when absent. */
  readonly maxRequestsInFlight?: number;
  /** Of the windlass package, for /version. */
  readonly version: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  /** Exposition text of other threads, appended to /metrics. */
  readonly extraMetrics?: () => Promise<string>;
  /** The server's own certificates or authority are others now: what connects with its kubeconfig files has to read them again. */
  readonly onCertificatesChanged?: () => void;
  /** The storage is lost for good: reads still answer, writes are 503, the process should end. */
  readonly onFailure?: (error: Error) => void;
}
