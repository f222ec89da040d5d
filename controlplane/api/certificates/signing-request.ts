// A PKCS #10 certificate request: who asks to be called what, proven with their key. RFC 2986.
import { createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

import {
  BIT_STRING,
  DerError,
  expectTag,
  objectIdentifier,
  OCTET_STRING,
  partsOf,
  readDer,
  SEQUENCE,
  SET,
} from './der.ts';
import type { DerValue } from './der.ts';

export interface SigningRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** True when the subject says more than common name and organizations. */
  readonly hasOtherNames: boolean;
  readonly dnsNames: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
  readonly ipAddresses: readonly string[];
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
}

const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const ALTERNATIVE_NAMES = '2.5.29.17';
const ATTRIBUTES = 0xa0;

/** Hash by signature algorithm; null where the algorithm has its own. */
const SIGNATURES: Readonly<Record<string, string | null>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.3.101.112': null,
};

const PEM =
  /^\s*-----BEGIN CERTIFICATE REQUEST-----\s([\sA-Za-z0-9+/=]+)-----END CERTIFICATE REQUEST-----\s*$/;

/**
 * Reads a request and checks that whoever made it has its key.
 *
 * @param pem one block of type CERTIFICATE REQUEST
 * @throws DerError with what is wrong
 */
export function parseSigningRequest(pem: string): SigningRequest {
  const encoded = PEM.exec(pem)?.[1];
  if (encoded === undefined) throw new DerError('PEM block type must be CERTIFICATE REQUEST');
  const [info, algorithm, signature] = partsOf(readDer(Buffer.from(encoded, 'base64')), SEQUENCE);
  if (info === undefined || algorithm === undefined || signature === undefined)
    throw new DerError('not a certificate request');
  const [, subject, key, attributes] = partsOf(info, SEQUENCE);
  if (subject === undefined || key === undefined) throw new DerError('not a certificate request');
  checkSignature(info, key, algorithm, signature);
  return { ...namesOf(subject), ...alternativeNames(attributes), publicKey: key.whole };
}

function checkSignature(
  info: DerValue,
  key: DerValue,
  algorithm: DerValue,
  signature: DerValue,
): void {
  const [kind] = partsOf(algorithm, SEQUENCE);
  const oid = kind === undefined ? '' : objectIdentifier(kind);
  const hash = Object.hasOwn(SIGNATURES, oid) ? SIGNATURES[oid] : undefined;
  if (hash === undefined) throw new DerError(`signature algorithm ${oid} is not known`);
  expectTag(signature, BIT_STRING);
  let isGood = false;
  try {
    isGood = verify(hash, info.whole, publicKeyOf(key.whole), signature.content.subarray(1));
  } catch {
    throw new DerError('the public key is of no known kind');
  }
  if (!isGood) throw new DerError('the signature is not of the key');
}

function publicKeyOf(der: Buffer): KeyObject {
  return createPublicKey({ key: der, format: 'der', type: 'spki' });
}

function namesOf(
  subject: DerValue,
): Pick<SigningRequest, 'commonName' | 'organizations' | 'hasOtherNames'> {
  let commonName = '';
  let hasOtherNames = false;
  const organizations: string[] = [];
  for (const set of partsOf(subject, SEQUENCE)) {
    for (const pair of partsOf(set, SET)) {
      const [type, value] = partsOf(pair, SEQUENCE);
      if (type === undefined || value === undefined) throw new DerError('no name');
      const oid = objectIdentifier(type);
      if (oid === COMMON_NAME) commonName = textOf(value);
      else if (oid === ORGANIZATION) organizations.push(textOf(value));
      else hasOtherNames = true;
    }
  }
  return { commonName, organizations, hasOtherNames };
}

const UTF8_STRING = 0x0c;
const PRINTABLE_STRING = 0x13;
const IA5_STRING = 0x16;

function textOf({ tag, content }: DerValue): string {
  if (tag !== UTF8_STRING && tag !== PRINTABLE_STRING && tag !== IA5_STRING)
    throw new DerError('a name is of no known kind of text');
  return content.toString('utf8');
}

type AlternativeNames = Pick<
  SigningRequest,
  'dnsNames' | 'emailAddresses' | 'uris' | 'ipAddresses'
>;

const EMAIL = 0x81;
const DNS = 0x82;
const URI = 0x86;
const IP = 0x87;

function alternativeNames(attributes: DerValue | undefined): AlternativeNames {
  const names = extensionsOf(attributes)
    .filter(([oid]) => oid === ALTERNATIVE_NAMES)
    .flatMap(([, value]) => partsOf(readDer(value), SEQUENCE));
  const texts = (tag: number): readonly string[] =>
    names.filter((name) => name.tag === tag).map(({ content }) => content.toString('latin1'));
  if (names.some(({ tag }) => ![EMAIL, DNS, URI, IP].includes(tag)))
    throw new DerError('an alternative name is of no known kind');
  return {
    emailAddresses: texts(EMAIL),
    dnsNames: texts(DNS),
    uris: texts(URI),
    ipAddresses: names.filter(({ tag }) => tag === IP).map(({ content }) => addressOf(content)),
  };
}

/** Object identifier and value of each extension that is asked for. */
function extensionsOf(attributes: DerValue | undefined): readonly (readonly [string, Buffer])[] {
  if (attributes === undefined) return [];
  return partsOf(attributes, ATTRIBUTES).flatMap((attribute) => {
    const [type, values] = partsOf(attribute, SEQUENCE);
    if (type === undefined || values === undefined) throw new DerError('no attribute');
    if (objectIdentifier(type) !== EXTENSION_REQUEST) return [];
    return partsOf(values, SET)
      .flatMap((list) => partsOf(list, SEQUENCE))
      .map((extension) => {
        const parts = partsOf(extension, SEQUENCE);
        const [id] = parts;
        const value = parts.at(-1);
        if (id === undefined || value === undefined) throw new DerError('no extension');
        expectTag(value, OCTET_STRING);
        return [objectIdentifier(id), value.content] as const;
      });
  });
}

function addressOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new DerError('an IP address has 4 or 16 bytes');
  const groups = Array.from({ length: 8 }, (_, index) =>
    bytes.readUInt16BE(index * 2).toString(16),
  );
  return groups.join(':');
}
