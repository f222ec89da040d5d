// JSON Web Tokens as service accounts carry them: signed with ES256 or RS256, made and checked without waiting.
import { createPublicKey, createHash, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

import { isObject } from '../api/fields.ts';
import type { JSONObject } from '../api/fields.ts';

/** A key and the name under which tokens refer to it. */
export interface NamedKey {
  readonly id: string;
  readonly algorithm: 'ES256' | 'RS256';
  readonly publicKey: KeyObject;
}

export interface SigningKey extends NamedKey {
  readonly privateKey: KeyObject;
}

/** A token as it says of itself: nothing of it is to be believed before its signature is checked. */
export interface ParsedToken {
  readonly header: JSONObject;
  readonly claims: JSONObject;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/** Longer ones are none of ours. */
const LONGEST_TOKEN = 16 * 1024;

/** Undefined: no ES256 or RS256 key. */
export function nameKey(key: KeyObject): NamedKey | undefined {
  const publicKey = key.type === 'public' ? key : createPublicKey(key);
  const isEC =
    publicKey.asymmetricKeyType === 'ec' &&
    publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  if (!isEC && publicKey.asymmetricKeyType !== 'rsa') return undefined;
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const id = createHash('sha256').update(der).digest('base64url');
  return { id, algorithm: isEC ? 'ES256' : 'RS256', publicKey };
}

export function signToken(key: SigningKey, claims: JSONObject): string {
  const header = { alg: key.algorithm, kid: key.id };
  const signed = `${encode(header)}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(signed), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  return `${signed}.${signature.toString('base64url')}`;
}

function encode(value: JSONObject): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Undefined when it has not the form of a token. */
export function parseToken(token: string): ParsedToken | undefined {
  if (token.length > LONGEST_TOKEN) return undefined;
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  const [header, claims] = parts.slice(0, 2).map(decode);
  if (header === undefined || claims === undefined) return undefined;
  const signature = Buffer.from(parts[2] ?? '', 'base64url');
  return { header, claims, signed: Buffer.from(`${parts[0]}.${parts[1]}`), signature };
}

function decode(part: string): JSONObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isSignedBy({ header, signed, signature }: ParsedToken, key: NamedKey): boolean {
  // Never the algorithm that the token asks for: only that of the key.
  if (header['alg'] !== key.algorithm) return false;
  try {
    return verify('sha256', signed, { key: key.publicKey, dsaEncoding: 'ieee-p1363' }, signature);
  } catch {
    return false;
  }
}
