// Certificates and their keys as files: `NAME.crt` and `NAME.key`, both PEM, 0600.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { KeyPair } from './issuer.ts';

/** A file under pki/ that is there and cannot be used. The message names the file and what to do. */
export class CertificateFileError extends Error {
  constructor(file: string, found: string, cause?: unknown) {
    super(`Cannot use ${file}: ${found}; move it away to have a new one made`, { cause });
    this.name = 'CertificateFileError';
  }
}

/** Undefined when it is not there, torn, or its key is another's. */
export async function readPair(folder: string, name: string): Promise<KeyPair | undefined> {
  const [certificate, privateKey] = await Promise.all([
    readIfPresent(path.join(folder, `${name}.crt`)),
    readIfPresent(path.join(folder, `${name}.key`)),
  ]);
  if (certificate === undefined || privateKey === undefined) return undefined;
  const pair = { certificate, privateKey };
  try {
    return belongTogether(pair) ? pair : undefined;
  } catch {
    return undefined;
  }
}

/** The first certificate counts. @throws Error when one of the two does not parse */
export function belongTogether({ certificate, privateKey }: KeyPair): boolean {
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
}

/** The key first: a certificate without its key is found and replaced, a key without its certificate harms nobody. */
export async function writePair(folder: string, name: string, pair: KeyPair): Promise<void> {
  await writePrivateFile(path.join(folder, `${name}.key`), pair.privateKey);
  await writePrivateFile(path.join(folder, `${name}.crt`), pair.certificate);
}

export async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes a file that only its owner may read, all or nothing. */
export async function writePrivateFile(file: string, content: string): Promise<void> {
  const temporary = `${file}.new`;
  await writeFile(temporary, content, { mode: 0o600, flush: true });
  await rename(temporary, file);
}
