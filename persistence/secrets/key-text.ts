// The text form of keys, in key files and credentials: comments, and one key per line.
import { KEY_BYTES, SecretsKey, SecretsKeyError } from './secrets-key.ts';

const LINE = /^aes256gcm ([A-Za-z0-9+/]{43}=)$/;

export interface KeyLine {
  /** As it stands in the text, without the newline. */
  readonly text: string;
  /** Absent for comments and empty lines. */
  readonly key?: SecretsKey;
}

/** @throws SecretsKeyError that names the line, never what is in it */
export function parseKeyText(text: string, where: string): readonly KeyLine[] {
  return text.split('\n').map((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return { text: line };
    const encoded = LINE.exec(line.trim())?.[1];
    if (encoded === undefined) {
      throw new SecretsKeyError(
        `Cannot use ${where}: line ${index + 1} is not of the form "aes256gcm <${KEY_BYTES} bytes in base64>"`,
      );
    }
    return { text: line, key: new SecretsKey(Buffer.from(encoded, 'base64')) };
  });
}

export function keyLine(bytes: Buffer): string {
  return `aes256gcm ${bytes.toString('base64')}`;
}

export function keysOf(lines: readonly KeyLine[]): readonly SecretsKey[] {
  return lines.flatMap(({ key }) => (key === undefined ? [] : [key]));
}
