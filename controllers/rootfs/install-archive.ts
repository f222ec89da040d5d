// Puts members of a published archive into a root: fetched, compared with its digest, read into memory of this machine entry by entry,
// and only then each put in place. Nothing of an archive with a wrong digest is ever extracted.
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { areInstalled, readRecord, writeRecord } from './binary-record.ts';
import { bounded } from './bounded.ts';
import type { BinaryFamily, InstalledBinary } from './binary-record.ts';
import { partsOf, TreeError } from './image-tree.ts';
import { bringFile, wantedDigest } from './root-downloads.ts';
import type { RootFSContext } from './rootfs-context.ts';
import { pathInRoot } from './root-files.ts';

export interface ArchiveInstall {
  readonly family: Exclude<BinaryFamily, 'kubernetes'>;
  readonly version: string;
  readonly url: string;
  readonly digestSuffix: string;
  /** Member of the archive → path below the root. All of them must be there. */
  readonly members: ReadonlyMap<string, string>;
  /** Where members that are not named go; absent: they are left out. */
  readonly othersTo?: string;
}

/** The bytes of the archive, from its beginning. */
type ReadFile = (signal: AbortSignal) => AsyncIterable<Uint8Array>;

const MOST_MEMBER_BYTES = 512 * 2 ** 20;
/** Of all that an archive holds: its members are in memory for a moment. */
const MOST_BYTES = 2 ** 30;

export async function installArchive(
  { host, goal, fetcher }: RootFSContext,
  install: ArchiveInstall,
  signal: AbortSignal,
): Promise<void> {
  const { family, version, url, members } = install;
  const root = goal.machineDirectory;
  const before = await readRecord(host, root, family, signal);
  const required = [...members.values()];
  const paths = [...new Set([...required, ...before.keys()])];
  if (await areInstalled(host, root, before, paths, version, signal)) return;
  const given = goal.downloads[family]?.sha256;
  const field = `spec.rootfs.downloads.${family}.sha256`;
  const published = { url, given, suffix: install.digestSuffix, field };
  const sha256 = await wantedDigest(fetcher, published, signal);
  await bringFile(fetcher, { url, sha256 }, signal);
  const file: ReadFile = (inner) => fetcher.store.read(sha256, inner);
  await checkArchive(file, install, signal);
  const record = new Map<string, InstalledBinary>();
  for await (const { path, content } of membersOf(file, install, signal)) {
    const target = await pathInRoot(host, root, path, signal);
    const digest = createHash('sha256').update(content).digest('hex');
    await host.putFile(target, content, { signal, mode: 0o755, sha256: digest });
    record.set(path, { version, sha256: digest });
  }
  await writeRecord(host, root, family, record, signal);
}

/** Looks at every entry before the first is put in place. @throws TreeError for what leads elsewhere, or what is missing */
async function checkArchive(
  file: ReadFile,
  { members, url }: ArchiveInstall,
  signal: AbortSignal,
): Promise<void> {
  const seen = new Set<string>();
  await eachEntry(file, signal, async (entry) => {
    seen.add(partsOf(entry.name).join('/'));
    if (entry.type !== 'symlink' && entry.type !== 'link') return;
    const { link } = entry;
    if (link.startsWith('/') || link.split('/').includes('..'))
      throw new TreeError(`${JSON.stringify(entry.name)} is a link that leads out of the archive`);
  });
  const missing = [...members.keys()].find((member) => !seen.has(member));
  if (missing !== undefined) throw new TreeError(`${new URL(url).pathname} holds no ${missing}`);
}

async function* membersOf(
  file: ReadFile,
  { members, othersTo }: ArchiveInstall,
  signal: AbortSignal,
): AsyncGenerator<{ readonly path: string; readonly content: Buffer }> {
  const found: { readonly path: string; readonly content: Buffer }[] = [];
  await eachEntry(file, signal, async ({ name, type, content }) => {
    if (type !== 'file') return;
    const member = partsOf(name).join('/');
    const base = member.slice(member.lastIndexOf('/') + 1);
    const other = othersTo === undefined ? undefined : `${othersTo}/${base}`;
    const path = members.get(member) ?? other;
    if (path !== undefined) found.push({ path, content: await content() });
  });
  yield* found;
}

interface Entry {
  readonly name: string;
  readonly type: string;
  readonly link: string;
  readonly content: () => Promise<Buffer>;
}

async function eachEntry(
  file: ReadFile,
  signal: AbortSignal,
  visit: (entry: Entry) => Promise<void>,
): Promise<void> {
  const entries = extract();
  const reading = (async () => {
    for await (const entry of entries) {
      const { name, type, linkname, size } = entry.header;
      const content = async (): Promise<Buffer> => {
        if (size > MOST_MEMBER_BYTES)
          throw new TreeError(`${name} has more than ${MOST_MEMBER_BYTES} bytes`);
        const parts: Buffer[] = [];
        for await (const part of entry as AsyncIterable<Buffer>) parts.push(part);
        return Buffer.concat(parts);
      };
      await visit({ name, type: type ?? 'file', link: linkname ?? '', content });
      entry.resume();
    }
  })();
  try {
    const limit = bounded(MOST_BYTES, 'the archive');
    await Promise.all([
      pipeline(file(signal), createGunzip(), limit, entries, { signal }),
      reading,
    ]);
  } catch (error) {
    entries.destroy();
    // The first reason is why the other end was cut off.
    const inner = await reading.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (signal.aborted) throw signal.reason;
    throw inner instanceof TreeError ? inner : error;
  }
}
