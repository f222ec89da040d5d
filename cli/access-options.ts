// Flags of `up` about who may come in. Spelled as those of kube-apiserver.
import { readFileSync } from 'node:fs';
import type { AuthenticationOptions, JwtIssuerSettings } from '#controlplane/start.ts';
import { readAuthenticationConfig, SIGNING_ALGORITHMS } from './authentication-config.ts';
import type { OptionTable, OptionValues } from './options.ts';
import { UsageError } from './usage-error.ts';

export const accessOptions = {
  'token-auth-file': {
    type: 'string',
    placeholder: 'FILE',
    help: 'CSV of fixed tokens: token,user,uid,"group,group"',
  },
  'service-account-issuer': {
    type: 'string',
    placeholder: 'URL',
    default: 'https://kubernetes.default.svc',
    help: 'Issuer in tokens of service accounts; others find the keys there',
  },
  'authentication-config': {
    type: 'string',
    placeholder: 'FILE',
    help: 'Issuers of OpenID Connect, as an AuthenticationConfiguration; in place of --oidc-…',
  },
  'oidc-issuer-url': {
    type: 'string',
    placeholder: 'URL',
    help: 'Believe tokens of this issuer of OpenID Connect',
  },
  'oidc-client-id': {
    type: 'string',
    placeholder: 'ID',
    help: 'Audience that its tokens must have',
  },
  'oidc-username-claim': {
    type: 'string',
    placeholder: 'CLAIM',
    default: 'sub',
    help: 'Claim that holds the user name',
  },
  'oidc-username-prefix': {
    type: 'string',
    placeholder: 'TEXT',
    help: "What is put before user names: - for nothing; by default the issuer's URL and #, unless the claim is email",
  },
  'oidc-groups-claim': {
    type: 'string',
    placeholder: 'CLAIM',
    help: 'Claim that holds the groups',
  },
  'oidc-groups-prefix': {
    type: 'string',
    placeholder: 'TEXT',
    help: 'What is put before groups',
  },
  'oidc-required-claim': {
    type: 'list',
    placeholder: 'CLAIM=VALUE',
    help: 'Claim that tokens must have with this value',
  },
  'oidc-ca-file': {
    type: 'string',
    placeholder: 'FILE',
    help: 'Certificate authority of the issuer (default: those that Node trusts)',
  },
  'oidc-signing-algs': {
    type: 'string',
    placeholder: 'ALGS',
    default: 'RS256',
    help: 'What its tokens may be signed with, separated by commas',
  },
} as const satisfies OptionTable;

type Values = OptionValues<typeof accessOptions>;

/** @throws UsageError for values that no run could use */
export function authenticationOf(values: Values): AuthenticationOptions {
  const issuer = values['service-account-issuer'];
  needHTTPS('--service-account-issuer', issuer);
  const tokenAuthFile = values['token-auth-file'];
  return {
    serviceAccountIssuer: issuer,
    ...(tokenAuthFile === undefined ? {} : { tokenAuthFile }),
    issuers: issuersOf(values),
  };
}

function issuersOf(values: Values): readonly JwtIssuerSettings[] {
  const file = values['authentication-config'];
  const url = values['oidc-issuer-url'];
  const clientID = values['oidc-client-id'];
  if (file !== undefined) {
    if (url !== undefined || clientID !== undefined)
      throw new UsageError('--authentication-config and --oidc-… exclude each other; give one');
    return readAuthenticationConfig(file);
  }
  if (url === undefined) {
    if (clientID === undefined) return [];
    throw new UsageError('--oidc-client-id needs --oidc-issuer-url');
  }
  if (clientID === undefined) throw new UsageError('--oidc-issuer-url needs --oidc-client-id');
  needHTTPS('--oidc-issuer-url', url);
  const groups = values['oidc-groups-claim'];
  const authority = values['oidc-ca-file'];
  return [
    {
      url,
      audiences: [clientID],
      algorithms: algorithmsOf(values['oidc-signing-algs']),
      username: { claim: values['oidc-username-claim'], prefix: usernamePrefix(values, url) },
      ...(groups === undefined
        ? {}
        : { groups: { claim: groups, prefix: values['oidc-groups-prefix'] ?? '' } }),
      requiredClaims: Object.fromEntries(values['oidc-required-claim'].map(requiredClaim)),
      ...(authority === undefined ? {} : { certificateAuthority: readAuthority(authority) }),
    },
  ];
}

function needHTTPS(flag: string, url: string): void {
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:')
    throw new UsageError(`${flag} must be an https URL, found ${JSON.stringify(url)}`);
}

function usernamePrefix(values: Values, url: string): string {
  const prefix = values['oidc-username-prefix'];
  if (prefix === '-') return '';
  return prefix ?? (values['oidc-username-claim'] === 'email' ? '' : `${url}#`);
}

function algorithmsOf(text: string): readonly string[] {
  const algorithms = text.split(',').map((word) => word.trim());
  const wrong = algorithms.find((algorithm) => !SIGNING_ALGORITHMS.includes(algorithm));
  if (wrong !== undefined)
    throw new UsageError(
      `--oidc-signing-algs must be of ${SIGNING_ALGORITHMS.join(', ')}, found ${JSON.stringify(wrong)}`,
    );
  return algorithms;
}

function requiredClaim(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1)
    throw new UsageError(
      `--oidc-required-claim must be CLAIM=VALUE, found ${JSON.stringify(text)}`,
    );
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function readAuthority(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--oidc-ca-file ${file} cannot be read: ${(error as Error).message}`);
  }
}
