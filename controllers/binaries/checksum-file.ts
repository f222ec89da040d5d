// Files that publish a digest: `<hex>`, or lines `<hex>  <name>` as sha256sum writes them.
import { ArtifactError } from './artifact-error.ts';

export const CHECKSUM_FILE_LIMIT_BYTES = 1024;

/**
 * @param fileName whose digest is wanted, where the file has lines for several
 * @param where the file came from, for messages; redacted
 * @returns lower-case hex
 * @throws ArtifactError `Invalid` for anything but the two forms
 */
export function parseChecksumFile(text: string, fileName: string, where: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const entries = lines.map((line) => /^([0-9a-fA-F]{64})(?:\s+\*?(\S+))?$/.exec(line));
  if (lines.length === 0 || entries.includes(null))
    throw new ArtifactError(
      'Invalid',
      `${where} is no checksum file: it must hold 64 hexadecimal digits, alone or with a file name behind`,
    );
  const baseName = (name: string | undefined): string => name?.split('/').at(-1) ?? '';
  const found =
    entries.length === 1 ? entries[0] : entries.find((entry) => baseName(entry?.[2]) === fileName);
  const hex = found?.[1];
  if (hex === undefined)
    throw new ArtifactError(
      'Invalid',
      `${where} has digests of ${entries.length} files, and none of ${fileName}`,
    );
  return hex.toLowerCase();
}
