// The stand-in of the k0s program as a text, for hosts of one cluster of tests.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const standIn = readFileSync(join(import.meta.dirname, 'k0s-stand-in.sh'), 'utf8');

/** @param shared folder that all hosts of the cluster share. @param note two of one version differ by it */
export function k0sProgram(version: string, shared: string, note = ''): string {
  const text = standIn.replaceAll('@VERSION@', version).replaceAll('@FLEET@', shared);
  return note === '' ? text : `${text}\n# ${note}\n`;
}
