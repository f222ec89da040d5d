// What is believed of an issuer of OpenID Connect, and how its claims become a user. Settings are upstream's, from flags or a file.
import { fieldAt, isObject } from '../api/fields.ts';
import type { JSONObject } from '../api/fields.ts';
import type { UserInfo } from '../api/user.ts';

/** A claim, and what is put before its value. */
interface PrefixedClaim {
  readonly claim: string;
  readonly prefix: string;
}

export interface JwtIssuerSettings {
  /** https URL; equal to `iss` of tokens. */
  readonly url: string;
  /** Of the discovery document, where it is not below the issuer. */
  readonly discoveryURL?: string;
  /** PEM of the authority of the issuer's certificate; absent: those that Node trusts. */
  readonly certificateAuthority?: string;
  /** One of them must be among the token's. */
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly username: PrefixedClaim;
  readonly groups?: PrefixedClaim;
  readonly uidClaim?: string;
  /** Claim → the text that it must have. */
  readonly requiredClaims: Readonly<Record<string, string>>;
}

/** Undefined: the claims, though signed, make no user. */
export function userOfClaims(
  settings: JwtIssuerSettings,
  claims: JSONObject,
): UserInfo | undefined {
  const { username, groups, uidClaim, requiredClaims } = settings;
  for (const [claim, value] of Object.entries(requiredClaims)) {
    if (fieldAt(claims, claim) !== value) return undefined;
  }
  const name = fieldAt(claims, username.claim);
  if (typeof name !== 'string' || name === '') return undefined;
  // Somebody may have typed any address into a form.
  const verified = fieldAt(claims, 'email_verified');
  if (username.claim === 'email' && verified !== undefined && verified !== true) return undefined;
  const members = groups === undefined ? [] : textsOf(fieldAt(claims, groups.claim));
  if (members === undefined) return undefined;
  const uid = uidClaim === undefined ? undefined : fieldAt(claims, uidClaim);
  return {
    name: `${username.prefix}${name}`,
    groups: [...members.map((group) => `${groups?.prefix ?? ''}${group}`), 'system:authenticated'],
    ...(typeof uid === 'string' ? { uid } : {}),
  };
}

/** A text or a list of texts; an absent claim is an empty list, anything else undefined. */
function textsOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return value === '' ? [] : [value];
  if (!Array.isArray(value) || isObject(value)) return undefined;
  const list = value as readonly unknown[];
  return list.every((item) => typeof item === 'string') ? list : undefined;
}
