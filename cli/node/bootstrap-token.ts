// Tokens by which machines join: `ID.SECRET`, as kubeadm's, and with the hash of the authority behind it, so that one text is enough
// to know the server by.
import { createHash, X509Certificate } from 'node:crypto';
import type { IdSource } from '#platform/id.ts';
import { UsageError } from '../usage-error.ts';

export const TOKEN_NAMESPACE = 'kube-system';
export const TOKEN_TYPE = 'bootstrap.kubernetes.io/token';
/** Whoever is in it may ask for the certificate of a node. */
const NODE_GROUP = 'system:bootstrappers:kubeadm:default-node-token';

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})(?:\.([0-9a-f]{64}))?$/;
const HASH = /^(?:sha256:)?([0-9a-f]{64})$/;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

export interface BootstrapToken {
  readonly id: string;
  readonly secret: string;
  /** SHA-256 of the authority's public key, lower-case hex. */
  readonly authorityHash: string | undefined;
}

/** @throws UsageError, which never repeats what was given */
export function parseToken(text: string): BootstrapToken {
  const [, id, secret, authorityHash] = TOKEN.exec(text.trim()) ?? [];
  if (id === undefined || secret === undefined)
    throw new UsageError(
      '--token must be as `windlass token create` prints it: 6 characters, a dot, 16 characters, and usually a dot and 64 more',
    );
  return { id, secret, authorityHash };
}

/** @throws UsageError */
export function parseAuthorityHash(text: string): string {
  const [, hash] = HASH.exec(text.trim()) ?? [];
  if (hash === undefined)
    throw new UsageError(
      `--ca-hash must be sha256: and 64 hexadecimal digits, found ${JSON.stringify(text)}`,
    );
  return hash;
}

export function newToken(ids: IdSource): Pick<BootstrapToken, 'id' | 'secret'> {
  return { id: letters(ids, 6), secret: letters(ids, 16) };
}

export function tokenName(id: string): string {
  return `bootstrap-token-${id}`;
}

interface TokenSecret {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly type: string;
  readonly stringData: Readonly<Record<string, string>>;
}

/** @param expires RFC 3339; undefined: it holds until it is deleted */
export function tokenSecret(
  { id, secret }: Pick<BootstrapToken, 'id' | 'secret'>,
  expires: string | undefined,
  description: string | undefined,
): TokenSecret {
  return {
    metadata: { name: tokenName(id), namespace: TOKEN_NAMESPACE },
    type: TOKEN_TYPE,
    stringData: {
      'token-id': id,
      'token-secret': secret,
      'usage-bootstrap-authentication': 'true',
      'auth-extra-groups': NODE_GROUP,
      ...(expires === undefined ? {} : { expiration: expires }),
      ...(description === undefined ? {} : { description }),
    },
  };
}

/** The Secret of a token that holds until it is deleted, complete, as a control plane is given it. */
export function tokenObject({ id, secret }: Pick<BootstrapToken, 'id' | 'secret'>): object {
  const { metadata, type, stringData } = tokenSecret({ id, secret }, undefined, 'of this cluster');
  const data = Object.entries(stringData).map(([key, text]) => [
    key,
    Buffer.from(text).toString('base64'),
  ]);
  return { apiVersion: 'v1', kind: 'Secret', metadata, type, data: Object.fromEntries(data) };
}

/** Of an authority's public key (SubjectPublicKeyInfo), as kubeadm pins it. @param certificate PEM or DER; of several the first */
export function authorityHash(certificate: string | Uint8Array): string {
  const { publicKey } = new X509Certificate(certificate);
  const key = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('hex');
}

/** Bytes that would favour the first letters are drawn again. */
function letters(ids: IdSource, length: number): string {
  let text = '';
  while (text.length < length) {
    const byte = Number.parseInt(ids.hex(2), 16);
    if (byte < LETTERS.length * 7) text += LETTERS.charAt(byte % LETTERS.length);
  }
  return text;
}
