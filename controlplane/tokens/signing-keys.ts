// The keys of service account tokens: `<data-dir>/pki/service-account.key` signs, and every other `service-account*.key` or `.pub` beside
// it still verifies what was signed before. So a key is changed: rename it, start again, remove it when its tokens have ended.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import { CertificateFileError, writePrivateFile } from '../identity/pair-files.ts';

import { nameKey } from './jwt.ts';
import type { NamedKey, SigningKey } from './jwt.ts';

const SIGNING_FILE = 'service-account.key';
const KEY_FILE = /^service-account.*\.(key|pub)$/;

export class SigningKeys {
  readonly signing: SigningKey;
  /** By id; the signing key is one of them. */
  readonly verifying: ReadonlyMap<string, NamedKey>;

  private constructor(signing: SigningKey, others: readonly NamedKey[]) {
    this.signing = signing;
    this.verifying = new Map([signing, ...others].map((key) => [key.id, key]));
  }

  /**
   * Makes the signing key if there is none.
   *
   * @param elsewhere path of a private key to sign with, in place of that in the folder
   * @throws CertificateFileError naming a file that cannot be used; the system's error for one that cannot be read
   */
  static async open(folder: string, elsewhere?: string): Promise<SigningKeys> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const names = (await readdir(folder)).filter((name) => KEY_FILE.test(name)).toSorted();
    if (elsewhere === undefined && !names.includes(SIGNING_FILE)) {
      await writePrivateFile(path.join(folder, SIGNING_FILE), newKey());
      names.push(SIGNING_FILE);
    }
    const signingFile = elsewhere ?? path.join(folder, SIGNING_FILE);
    let signing: SigningKey | undefined;
    const others: NamedKey[] = [];
    const inFolder = names.map((name) => path.join(folder, name));
    for (const file of elsewhere === undefined ? inFolder : [elsewhere, ...inFolder]) {
      const key = parseKey(await readFile(file, 'utf8'), file.endsWith('.pub'));
      const named = key === undefined ? undefined : nameKey(key);
      if (key === undefined || named === undefined) {
        throw new CertificateFileError(file, 'it is no PEM of an ECDSA key on P-256 or an RSA key');
      }
      if (file === signingFile) signing = { ...named, privateKey: key };
      else others.push(named);
    }
    if (signing === undefined) throw new TypeError('the signing key was just made');
    return new SigningKeys(signing, others);
  }

  /** The public keys as a JSON Web Key Set. */
  jwks(): { readonly keys: readonly unknown[] } {
    return {
      keys: [...this.verifying.values()].map(({ id, algorithm, publicKey }) => ({
        use: 'sig',
        kid: id,
        alg: algorithm,
        ...publicKey.export({ format: 'jwk' }),
      })),
    };
  }

  get algorithms(): readonly string[] {
    return [...new Set([...this.verifying.values()].map(({ algorithm }) => algorithm))];
  }
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' });
}

function parseKey(pem: string, isPublic: boolean): KeyObject | undefined {
  try {
    return isPublic ? createPublicKey(pem) : createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
