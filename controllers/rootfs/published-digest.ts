// The SHA-256 that a publisher gives beside a file: the digest alone, or a list of digests and names.
import type { FileFetcher } from './file-fetcher.ts';
import { shownURL } from './download-urls.ts';

const LIMIT_BYTES = 16 << 10;

/** @param name of the file, where the text is a list. @returns lower-case hex; undefined when the text has none for it */
export function digestIn(text: string, name: string): string | undefined {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  for (const line of lines) {
    const match = /^([0-9a-fA-F]{64})(?:\s+\*?(?:\.\/)?(\S+))?$/.exec(line);
    if (match === null) continue;
    const [, digest = '', of] = match;
    if (of === name || (lines.length === 1 && (of === undefined || of.endsWith(name))))
      return digest.toLowerCase();
  }
  return undefined;
}

/**
 * What a file must be: the digest that was given, else the published one.
 *
 * @param suffix of the text beside the file; absolute from its folder when it begins with a slash
 * @throws Error when there is none: nothing is installed unchecked
 */
export async function wantedDigest(
  fetcher: FileFetcher,
  url: string,
  given: string | undefined,
  suffix: string,
  field: string,
  signal: AbortSignal,
): Promise<string> {
  if (given !== undefined) return given.toLowerCase().replace(/^sha256:/, '');
  const file = new URL(url);
  const name = file.pathname.slice(file.pathname.lastIndexOf('/') + 1);
  const beside = new URL(url);
  beside.pathname = suffix.startsWith('/')
    ? `${file.pathname.slice(0, file.pathname.lastIndexOf('/'))}${suffix}`
    : `${file.pathname}${suffix}`;
  const text = await fetcher.text(beside.href, LIMIT_BYTES, signal);
  const digest = text === undefined ? undefined : digestIn(text, name);
  if (digest !== undefined) return digest;
  throw new Error(
    `${shownURL(url)}: ${text === undefined ? 'there is no' : 'there is no usable'} SHA-256 at ${shownURL(beside.href)}; give it in ${field}`,
  );
}
