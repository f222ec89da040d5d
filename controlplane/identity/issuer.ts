// Makes keys and certificates (ECDSA P-256) for our own authority. The one home of @peculiar/x509, which is loaded only
// when something must be issued: the import costs about 90 ms, which a restart with valid files need not pay.
import { webcrypto } from 'node:crypto';

import type * as X509Module from '@peculiar/x509';

import { installReflectMetadata } from './reflect-metadata.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** By kind of certificate: the object identifiers of RFC 5280, 4.2.1.12. */
export const EXTENDED_USAGES = {
  server: ['1.3.6.1.5.5.7.3.1'],
  client: ['1.3.6.1.5.5.7.3.2'],
  node: ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'],
} as const;

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Who or what a certificate is for. */
export type CertificateRequest =
  | {
      readonly usage: 'server';
      readonly commonName: string;
      readonly dnsNames: readonly string[];
      readonly ipAddresses: readonly string[];
    }
  | {
      /** `node`: a client that other nodes also meet as a server, so that machines can prove themselves to each other. */
      readonly usage: 'client' | 'node';
      /** The user name. */
      readonly commonName: string;
      /** The user's groups. */
      readonly organizations: readonly string[];
    };

/** When a certificate holds, in milliseconds since the epoch. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

type X509 = typeof X509Module;

async function loadX509(): Promise<X509> {
  installReflectMetadata();
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto);
  return x509;
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function privateKeyPEM(x509: X509, key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', key);
  return `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`;
}

/** 16 random bytes as hexadecimal, the first bit clear so that DER needs no sign octet. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return Buffer.from(bytes).toString('hex');
}

/** A new self-signed authority. */
export async function issueAuthority(commonName: string, validity: Validity): Promise<KeyPair> {
  const x509 = await loadX509();
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    notBefore: new Date(validity.notBefore),
    notAfter: new Date(validity.notAfter),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      ...authorityExtensions(x509),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    certificate: `${certificate.toString('pem')}\n`,
    privateKey: await privateKeyPEM(x509, keys.privateKey),
  };
}

/** The key of another authority, certified by `authority` under its name. PEM. */
export async function certifyAuthority(
  authority: KeyPair,
  other: string,
  validity: Validity,
): Promise<string> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(authority.certificate);
  const subject = new x509.X509Certificate(other);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: subject.subject,
    issuer: issuer.subject,
    notBefore: new Date(validity.notBefore),
    notAfter: new Date(validity.notAfter),
    signingAlgorithm: ALGORITHM,
    publicKey: subject.publicKey,
    signingKey: await signingKeyOf(x509, authority),
    extensions: [
      ...authorityExtensions(x509),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(subject.publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

/** A new key and a certificate for it, signed by `authority`. */
export async function issueCertificate(
  authority: KeyPair,
  request: CertificateRequest,
  validity: Validity,
): Promise<KeyPair> {
  const x509 = await loadX509();
  const keys = await generateKeys();
  return {
    certificate: await sign(x509, authority, request, validity, keys.publicKey),
    privateKey: await privateKeyPEM(x509, keys.privateKey),
  };
}

/**
 * A certificate for a key that somebody else has.
 *
 * @param publicKey PEM of an ECDSA key on P-256
 * @throws Error when it is something else
 */
export async function certifyKey(
  authority: KeyPair,
  request: CertificateRequest,
  validity: Validity,
  publicKey: string,
): Promise<string> {
  const x509 = await loadX509();
  const [der] = x509.PemConverter.decode(publicKey);
  if (der === undefined) throw new Error('no public key in PEM form');
  const key = await webcrypto.subtle.importKey('spki', der, ALGORITHM, true, ['verify']);
  return sign(x509, authority, request, validity, key);
}

/** A certificate as a certificate request asks for it. */
export interface RequestedCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** SubjectPublicKeyInfo, DER, of any kind of key. */
  readonly publicKey: Buffer;
  /** Beside signatures. */
  readonly isEnciphering: boolean;
  /** Object identifiers. */
  readonly extendedUsages: readonly string[];
}

/** A new key, and what asks for a certificate for it; both PEM. */
export async function requestCertificate(
  commonName: string,
  organizations: readonly string[],
): Promise<{ readonly request: string; readonly privateKey: string }> {
  const x509 = await loadX509();
  const keys = await generateKeys();
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [...organizations.map((group) => ({ O: [group] })), { CN: [commonName] }],
    keys,
    signingAlgorithm: ALGORITHM,
  });
  return {
    request: `${request.toString('pem')}\n`,
    privateKey: await privateKeyPEM(x509, keys.privateKey),
  };
}

/** A certificate for whoever made a certificate request. */
export async function certifyRequest(
  authority: KeyPair,
  request: RequestedCertificate,
  validity: Validity,
): Promise<string> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(authority.certificate);
  const publicKey = new x509.PublicKey(new Uint8Array(request.publicKey));
  const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags;
  const hasNames = request.dnsNames.length > 0 || request.ipAddresses.length > 0;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [
      ...request.organizations.map((group) => ({ O: [group] })),
      { CN: [request.commonName] },
    ],
    issuer: issuer.subject,
    notBefore: new Date(validity.notBefore),
    notAfter: new Date(validity.notAfter),
    signingAlgorithm: ALGORITHM,
    publicKey,
    signingKey: await signingKeyOf(x509, authority),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(
        request.isEnciphering ? digitalSignature | keyEncipherment : digitalSignature,
        true,
      ),
      new x509.ExtendedKeyUsageExtension([...request.extendedUsages]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ...(hasNames ? [alternativeNames(x509, request)] : []),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

function authorityExtensions(x509: X509): X509Module.Extension[] {
  const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags;
  return [
    // Without a limit to the length of the way: one between two of our authorities counts for some.
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(keyCertSign | cRLSign | digitalSignature, true),
  ];
}

function signingKeyOf(x509: X509, authority: KeyPair): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decodeFirst(authority.privateKey),
    ALGORITHM,
    false,
    ['sign'],
  );
}

async function sign(
  x509: X509,
  authority: KeyPair,
  request: CertificateRequest,
  validity: Validity,
  publicKey: webcrypto.CryptoKey,
): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const signingKey = await signingKeyOf(x509, authority);
  const name: { [field: string]: string[] }[] =
    request.usage === 'server' ? [] : request.organizations.map((group) => ({ O: [group] }));
  name.push({ CN: [request.commonName] });

  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: name,
    issuer: issuer.subject,
    notBefore: new Date(validity.notBefore),
    notAfter: new Date(validity.notAfter),
    signingAlgorithm: ALGORITHM,
    publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([...EXTENDED_USAGES[request.usage]]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      ...(request.usage === 'server' ? [alternativeNames(x509, request)] : []),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

function alternativeNames(
  x509: X509,
  request: Pick<RequestedCertificate, 'dnsNames' | 'ipAddresses'>,
): InstanceType<X509['SubjectAlternativeNameExtension']> {
  return new x509.SubjectAlternativeNameExtension([
    ...request.dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...request.ipAddresses.map((value) => ({ type: 'ip' as const, value })),
  ]);
}
