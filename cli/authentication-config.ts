// `--authentication-config FILE`: issuers of OpenID Connect as upstream's AuthenticationConfiguration describes them. What is not served is
// refused by name: a rule that is passed over lets the wrong people in.
import type { JwtIssuerSettings } from '#controlplane/start.ts';
import { ConfigReader } from './config-reader.ts';

const GROUP = /^apiserver\.config\.k8s\.io\/v1(alpha1|beta1)?$/;
/** What issuers sign with when they say nothing: all that is asymmetric. */
export const SIGNING_ALGORITHMS: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
];

/** @throws UsageError naming the field */
export function readAuthenticationConfig(file: string): readonly JwtIssuerSettings[] {
  const reader = new IssuerReader(`--authentication-config ${file}`);
  const root = reader.object(reader.file(file), '', ['apiVersion', 'kind', 'jwt']);
  if (root['kind'] !== 'AuthenticationConfiguration' || !GROUP.test(String(root['apiVersion'])))
    throw reader.error('', 'must be an AuthenticationConfiguration of apiserver.config.k8s.io/v1');
  return reader.list(root['jwt'], 'jwt').map((item, index) => reader.issuer(item, `jwt[${index}]`));
}

class IssuerReader extends ConfigReader {
  issuer(value: unknown, field: string): JwtIssuerSettings {
    const root = this.object(value, field, ['issuer', 'claimValidationRules', 'claimMappings']);
    const at = `${field}.issuer`;
    const issuer = this.object(root['issuer'], at, [
      'url',
      'discoveryURL',
      'certificateAuthority',
      'audiences',
      'audienceMatchPolicy',
    ]);
    const audiences = this.list(issuer['audiences'], `${at}.audiences`).map((item, index) =>
      this.text(item, `${at}.audiences[${index}]`),
    );
    if (audiences.length === 0) throw this.error(`${at}.audiences`, 'must name at least one');
    const authority = issuer['certificateAuthority'];
    const discoveryURL = issuer['discoveryURL'];
    const mappings = this.object(root['claimMappings'], `${field}.claimMappings`, [
      'username',
      'groups',
      'uid',
    ]);
    const username = this.claim(mappings['username'], `${field}.claimMappings.username`, true);
    return {
      url: this.https(issuer['url'], `${at}.url`),
      ...(discoveryURL === undefined
        ? {}
        : { discoveryURL: this.https(discoveryURL, `${at}.discoveryURL`) }),
      ...(authority === undefined
        ? {}
        : { certificateAuthority: this.text(authority, `${at}.certificateAuthority`) }),
      audiences,
      algorithms: SIGNING_ALGORITHMS,
      username,
      ...(mappings['groups'] === undefined
        ? {}
        : { groups: this.claim(mappings['groups'], `${field}.claimMappings.groups`, true) }),
      ...(mappings['uid'] === undefined
        ? {}
        : { uidClaim: this.claim(mappings['uid'], `${field}.claimMappings.uid`, false).claim }),
      requiredClaims: this.rules(root['claimValidationRules'], `${field}.claimValidationRules`),
    };
  }

  https(value: unknown, field: string): string {
    const url = this.text(value, field);
    if (!URL.canParse(url) || new URL(url).protocol !== 'https:')
      throw this.error(field, `must be an https URL, found ${JSON.stringify(url)}`);
    return url;
  }

  claim(
    value: unknown,
    field: string,
    takesPrefix: boolean,
  ): { readonly claim: string; readonly prefix: string } {
    const known = takesPrefix ? ['claim', 'prefix'] : ['claim'];
    const { claim, prefix } = this.object(value, field, known);
    if (takesPrefix && typeof prefix !== 'string')
      throw this.error(`${field}.prefix`, 'must be given; "" for none');
    return {
      claim: this.text(claim, `${field}.claim`),
      prefix: typeof prefix === 'string' ? prefix : '',
    };
  }

  rules(value: unknown, field: string): Readonly<Record<string, string>> {
    const rules = this.list(value, field).map((item, index) => {
      const at = `${field}[${index}]`;
      const { claim, requiredValue = '' } = this.object(item, at, ['claim', 'requiredValue']);
      return [this.text(claim, `${at}.claim`), String(requiredValue)] as const;
    });
    return Object.fromEntries(rules);
  }
}
