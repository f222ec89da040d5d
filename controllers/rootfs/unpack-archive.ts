// Unpacks an archive of anybody's into a folder of a host. Names and links are judged here, sizes and numbers are bounded, and the folder
// gets its name only when all of it is there and durable.
import { basename, dirname } from 'node:path';
import { HostCommandError } from '../hosts/host-errors.ts';
import type { Compression } from '../binaries/image-manifest.ts';
import { partsOf, TreeError } from './image-tree.ts';
import type { ImageTree } from './image-tree.ts';
import { putTree, withTree } from './put-tree.ts';
import type { TreeWork } from './put-tree.ts';
import { mustRun } from './root-files.ts';

export interface ArchiveToUnpack {
  /** Of the archive: `sha256:…`. */
  readonly digest: string;
  /** Tar, as it is or packed with gzip or zstd; compared with its digest by whoever hands it out. */
  readonly content: AsyncIterable<Uint8Array>;
  /** The folder on the host. */
  readonly path: string;
  /** Permission bits of the folder. */
  readonly mode: number;
}

/** Of all files together. */
const MOST_BYTES = 16 * 2 ** 30;
const MARKER = '.windlass-artifact';
const SYNC_MS = 600_000;

/** The digest of the archive that was unpacked into a folder, all of it; undefined where none was. */
export async function unpackedDigest(
  { host }: Pick<TreeWork, 'host'>,
  path: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if ((await host.stat(path, signal))?.kind !== 'directory') return undefined;
  const marker = `${path}/${MARKER}`;
  if ((await host.stat(marker, signal))?.kind !== 'file') return undefined;
  const text = new TextDecoder().decode(await host.readFile(marker, signal));
  return /^sha256:[0-9a-f]{64}$/.test(text.trim()) ? text.trim() : undefined;
}

/**
 * What was unpacked there before is replaced as a whole; what somebody else put there is not.
 *
 * @throws TreeError for archives that lead elsewhere, or are too large; HostCommandError; what reading the archive says
 */
export async function unpackArchive(
  work: TreeWork,
  { digest, content, path, mode }: ArchiveToUnpack,
  signal: AbortSignal,
): Promise<void> {
  const { host } = work;
  const found = await host.stat(path, signal);
  const isOurs = (await unpackedDigest(work, path, signal)) !== undefined;
  if (found !== undefined && !isOurs)
    throw new HostCommandError(
      `${path} is there already, and was not unpacked by us: move it away, or give another path`,
    );
  const beside = `${dirname(path)}/.${basename(path)}.windlass`;
  await withTree(work, { mostBytes: MOST_BYTES, isImage: false }, async (image) => {
    const { compression, whole } = await sniffed(content);
    await image.add(whole, compression, signal);
    judge(image.tree);
    await host.remove(beside, signal);
    await mustRun(host, ['mkdir', '-p', beside], signal);
    const place = { folder: beside, archive: `${beside}.tar`, keepsOwners: false };
    await putTree(image, work, place, signal);
  });
  await mustRun(host, ['chmod', mode.toString(8).padStart(4, '0'), beside], signal);
  await mustRun(host, ['sync', '--file-system', beside], signal, SYNC_MS);
  await host.putFile(`${beside}/${MARKER}`, `${digest}\n`, { signal });
  if (isOurs) await host.remove(path, signal);
  await host.rename(beside, path, signal);
}

/** A tree for a host, not for a root of its own: what leads out of it would be the host's. */
function judge(tree: ImageTree): void {
  for (const { path, node } of tree.entries()) {
    if (node.kind === 'fifo') throw new TreeError(`${JSON.stringify(path)} is a fifo, and no file`);
    if (node.kind === 'symlink') judgeLink(path, node.target ?? '');
    if (path === MARKER || path.startsWith(`${MARKER}/`))
      throw new TreeError(`${MARKER} is a name of ours`);
  }
}

function judgeLink(path: string, target: string): void {
  const why = `${JSON.stringify(path)} is a link that leads out of the archive`;
  if (target.startsWith('/')) throw new TreeError(why);
  let depth = partsOf(path).length - 1;
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue;
    depth += part === '..' ? -1 : 1;
    if (depth < 0) throw new TreeError(why);
  }
}

const MAGIC: readonly (readonly [Compression | 'xz' | 'bzip2' | 'zip', readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
];
const MOST_MAGIC = 5;

/** How it is packed, told by its first bytes. */
async function sniffed(content: AsyncIterable<Uint8Array>): Promise<{
  readonly compression: Compression;
  readonly whole: AsyncIterable<Uint8Array>;
}> {
  const pieces = content[Symbol.asyncIterator]();
  const read: Uint8Array[] = [];
  let isAtEnd = false;
  while (!isAtEnd && lengthOf(read) < MOST_MAGIC) {
    const next = await pieces.next();
    if (next.done === true) isAtEnd = true;
    else read.push(next.value);
  }
  const head = Buffer.concat(read);
  const kind = MAGIC.find(([, bytes]) => bytes.every((byte, at) => head[at] === byte))?.[0];
  if (kind === 'xz' || kind === 'bzip2' || kind === 'zip')
    throw new TreeError(`the archive is packed with ${kind}: give a tar, tar.gz or tar.zst`);
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield head;
    yield* { [Symbol.asyncIterator]: () => pieces };
  }
  return { compression: kind ?? 'none', whole: whole() };
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}
