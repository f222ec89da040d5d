// All kinds of bearer tokens of one server, put together from its settings.
import path from 'node:path';

import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';

import { UnionTokenAuthenticator } from '../identity/token-authenticator.ts';
import type { TokenAuthenticator } from '../identity/token-authenticator.ts';
import type { Store } from '../store/types.ts';

import { BootstrapTokens } from './bootstrap-tokens.ts';
import type { JwtIssuerSettings } from './jwt-issuer.ts';
import { OidcTokens } from './oidc-tokens.ts';
import { ServiceAccountTokens } from './service-account-tokens.ts';
import { SigningKeys } from './signing-keys.ts';
import { StaticTokens } from './static-tokens.ts';

const DEFAULT_ISSUER = 'https://kubernetes.default.svc';

export interface AuthenticationOptions {
  /** URL in tokens of service accounts; `https://kubernetes.default.svc` by default. */
  readonly serviceAccountIssuer?: string;
  /** Path of the private key to sign them with; by default one that is made in the data directory. */
  readonly serviceAccountSigningKeyFile?: string;
  /** CSV: token, user, uid, groups. */
  readonly tokenAuthFile?: string;
  /** Issuers of OpenID Connect. */
  readonly issuers?: readonly JwtIssuerSettings[];
}

export interface Tokens {
  readonly accounts: ServiceAccountTokens;
  readonly authenticator: TokenAuthenticator;
}

export interface TokensOptions {
  readonly dataDir: string;
  readonly authentication?: AuthenticationOptions;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
}

/** @throws CertificateFileError, TokenFileError */
export async function openTokens(options: TokensOptions): Promise<Tokens> {
  const { dataDir, authentication = {}, store, clock, ids, logger } = options;
  const issuer = authentication.serviceAccountIssuer ?? DEFAULT_ISSUER;
  const keys = await SigningKeys.open(
    path.join(dataDir, 'pki'),
    authentication.serviceAccountSigningKeyFile,
  );
  const accounts = new ServiceAccountTokens({ store, clock, ids, keys, issuer });
  const bootstrap = new BootstrapTokens({ store, clock, audience: issuer });
  const parts: TokenAuthenticator[] = [accounts, bootstrap];
  if (authentication.tokenAuthFile !== undefined)
    parts.unshift(await StaticTokens.read(authentication.tokenAuthFile, issuer));
  for (const settings of authentication.issuers ?? [])
    parts.push(new OidcTokens({ settings, clock, logger, audience: issuer }));
  return { accounts, authenticator: new UnionTokenAuthenticator(parts) };
}
