// Makes stored parts the snapshot that the log is read from: a manifest, and a segment of the log that names it. Only who may write
// to the log can do that; what is deleted afterwards is nothing that a successor could rely on.
import { CorruptDataError } from '../errors.ts';
import type { BlobStore } from './blob-store.ts';
import { LATEST, manifestName } from './blob-names.ts';
import type { Compacted } from './compact-log.ts';
import type { Snapshot } from './log-state.ts';
import type { SegmentWriter } from './segment-writer.ts';
import { digest, encodeManifest } from './snapshot.ts';

/**
 * @param older what the log was read from so far; `reset` when it is void from now on
 * @throws what SegmentWriter.append() throws; then nothing has changed
 */
export async function nameSnapshot(
  store: BlobStore,
  writer: SegmentWriter,
  { folder, contents }: Compacted,
  older: Snapshot | undefined | 'reset',
): Promise<Snapshot> {
  const name = manifestName(folder);
  let manifest = { ...contents, segment: 0 };
  await writer.name(async (segment) => {
    manifest = { ...contents, segment };
    const body = encodeManifest(manifest);
    await store.put(name, body);
    const found = await store.get(name);
    if (found === undefined || !body.equals(found.body)) {
      throw new CorruptDataError(`Cannot use ${store.location}: ${name} is not what was written`);
    }
    const isReset = older === 'reset';
    const sha256 = digest(body);
    return isReset || older === undefined
      ? { manifest: name, sha256, isReset }
      : { manifest: name, sha256, older: older.name, isReset };
  });
  // A hint; whoever looks for it can do without.
  await store
    .put(LATEST, Buffer.from(`${JSON.stringify({ manifest: name })}\n`))
    .catch(() => undefined);
  return { name, manifest, position: writer.position };
}
