// Takes a bundle into the store. It may have been made by anybody: only files that its manifest lists are looked at, by digest and size,
// and nothing of it decides where on the disk anything goes.
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import type { Header } from 'tar-stream';
import { ArtifactError } from './artifact-error.ts';
import type { ArtifactStore } from './artifact-store.ts';
import {
  BUNDLE_MANIFEST,
  BUNDLE_MANIFEST_LIMIT_BYTES,
  blobName,
  invalid,
  parseBundleManifest,
} from './bundle-manifest.ts';
import type { BundleManifest } from './bundle-manifest.ts';

export interface ImportedBundle extends BundleManifest {
  /** How many of its blobs were not in the store before. */
  readonly added: number;
}

type Entry = Readable & { readonly header: Header };

/**
 * What was taken in before a failure is whole, and stays until it is collected.
 *
 * @throws ArtifactError `Invalid` for what is no bundle, `ChecksumMismatch`, `Storage…`; the signal's reason
 */
export async function importBundle(
  path: string,
  store: ArtifactStore,
  signal: AbortSignal,
): Promise<ImportedBundle> {
  const file = createReadStream(path, { signal });
  const archive = extract();
  file.on('error', (error) => archive.destroy(error));
  file.pipe(archive);
  try {
    return await read(archive as unknown as AsyncIterable<Entry>, store, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw asArtifactError(error, path);
  } finally {
    file.destroy();
    archive.destroy();
  }
}

async function read(
  archive: AsyncIterable<Entry>,
  store: ArtifactStore,
  signal: AbortSignal,
): Promise<ImportedBundle> {
  let manifest: BundleManifest | undefined;
  let added = 0;
  const left = new Map<string, { readonly digest: string; readonly size: number }>();
  for await (const entry of archive) {
    const { name, type, size } = entry.header;
    if (type !== 'file') throw invalid(`${JSON.stringify(name)} is a ${type}, not a file`);
    if (manifest === undefined) {
      if (name !== BUNDLE_MANIFEST || size > BUNDLE_MANIFEST_LIMIT_BYTES)
        throw invalid(`it must begin with ${BUNDLE_MANIFEST}`);
      manifest = parseBundleManifest(await text(entry));
      for (const blob of manifest.blobs) left.set(blobName(blob.digest), blob);
      continue;
    }
    const blob = left.get(name);
    if (blob === undefined) throw invalid(`its manifest does not list ${JSON.stringify(name)}`);
    if (blob.size !== size)
      throw invalid(`${name} has ${size} bytes, and should have ${blob.size}`);
    left.delete(name);
    if (await takeIn(entry, blob.digest, store, signal)) added += 1;
  }
  if (manifest === undefined) throw invalid('it is empty');
  const [missing] = left.keys();
  if (missing !== undefined)
    throw invalid(`it lacks ${left.size} of its files, ${missing} among them`);
  await store.keepBundle(manifest.blobs.map(({ digest }) => digest));
  return { ...manifest, added };
}

/** @returns whether it was not there before */
async function takeIn(
  entry: Readable,
  digest: string,
  store: ArtifactStore,
  signal: AbortSignal,
): Promise<boolean> {
  let isRead = false;
  await store.obtain(
    digest,
    async (partial) => {
      isRead = true;
      await partial.begin();
      for await (const chunk of entry) await partial.write(chunk as Uint8Array);
    },
    signal,
  );
  if (!isRead) for await (const _chunk of entry) signal.throwIfAborted();
  return isRead;
}

async function text(entry: Readable): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of entry) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

function asArtifactError(error: unknown, path: string): unknown {
  if (error instanceof ArtifactError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new ArtifactError('NotFound', `${path} does not exist`);
  if (code !== undefined) return new ArtifactError('Invalid', `${path} cannot be read: ${message}`);
  // Whatever the reader of tars stumbles over.
  return invalid(message);
}
