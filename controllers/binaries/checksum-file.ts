// Files that publish a digest: `<hex>`, or lines `<hex>  <name>` as sha256sum writes them, also within the frame of a PGP signature.
import { ArtifactError } from './artifact-error.ts';

export const CHECKSUM_FILE_LIMIT_BYTES = 1024;

/**
 * @param fileName whose digest is wanted, where the file has lines for several
 * @param where the file came from, for messages; redacted
 * @returns lower-case hex
 * @throws ArtifactError `Invalid` for anything but the two forms
 */
export function parseChecksumFile(text: string, fileName: string, where: string): string {
  const lines = unsigned(text)
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
  const fitting =
    entries.length === 1 ? entries : entries.filter((entry) => baseName(entry?.[2]) === fileName);
  const [hex, ...others] = new Set(fitting.map((entry) => entry?.[1]?.toLowerCase() ?? ''));
  if (hex === undefined)
    throw new ArtifactError(
      'Invalid',
      `${where} has digests of ${entries.length} files, and none of ${fileName}`,
    );
  if (others.length > 0)
    throw new ArtifactError('Invalid', `${where} has ${fileName} twice, with other digests`);
  return hex;
}

/** What a clear-signed text says. Nobody here has the key: the digest is as good as the server that it came from. */
function unsigned(text: string): string {
  const match =
    /^-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:[A-Za-z-]+: .*\r?\n)*\r?\n([\s\S]*?)\r?\n-----BEGIN PGP SIGNATURE-----/.exec(
      text,
    );
  return match?.[1]?.replaceAll(/^- /gm, '') ?? text;
}
