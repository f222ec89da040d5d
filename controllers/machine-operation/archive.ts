// Texts as one tar.gz that fits into a Secret.
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { pack } from 'tar-stream';

export interface LogFile {
  /** Relative path in the archive. */
  readonly name: string;
  readonly text: string;
}

/** A Secret holds a mebibyte, in which the archive is counted as it is, not as base64. */
const MOST_BYTES = 900 << 10;

const compress = promisify(gzip);

/**
 * The same texts give the same bytes. What is too much for the archive is taken from the beginning of the longest texts.
 *
 * @param folder that all files are in
 * @param modifiedMillis time of all files
 */
export async function archive(
  folder: string,
  files: readonly LogFile[],
  modifiedMillis: number,
): Promise<Buffer> {
  let kept = files;
  for (;;) {
    const bytes = await compress(await tar(folder, kept, modifiedMillis));
    const longest = Math.max(0, ...kept.map(({ text }) => text.length));
    if (bytes.length <= MOST_BYTES || longest < 1024) return bytes;
    const most = Math.floor(longest / 2);
    kept = kept.map(({ name, text }) => ({
      name,
      text: text.length > most ? text.slice(-most) : text,
    }));
  }
}

async function tar(
  folder: string,
  files: readonly LogFile[],
  modifiedMillis: number,
): Promise<Buffer> {
  const archive = pack();
  for (const { name, text } of files)
    archive.entry(
      { name: `${folder}/${name}`, mtime: new Date(modifiedMillis), mode: 0o640 },
      text,
    );
  archive.finalize();
  const parts: Uint8Array[] = [];
  for await (const part of archive) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}
