// An ImageTree as one tar archive that any tar can unpack: every name is there once, below real folders, and leads nowhere.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import type { Pack } from 'tar-stream';
import type { LayeredImage } from './image-layers.ts';
import type { TreeNode } from './image-tree.ts';

/** The bytes of the archive as they are made; the same tree gives the same bytes. */
export async function* treeArchive(
  image: LayeredImage,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const archive = pack();
  const writing = fill(archive, image, signal).catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    yield* archive as AsyncIterable<Uint8Array>;
  } finally {
    archive.destroy();
    await writing;
  }
}

async function fill(archive: Pack, image: LayeredImage, signal: AbortSignal): Promise<void> {
  const firstNames = new Map<TreeNode, string>();
  for (const { path, node } of image.tree.entries()) {
    signal.throwIfAborted();
    const { mode, uid, gid } = node;
    const common = { name: path, mode, uid, gid, mtime: new Date(node.modified * 1000) };
    const first = firstNames.get(node);
    if (first !== undefined) archive.entry({ ...common, type: 'link', linkname: first });
    else if (node.kind === 'file') {
      firstNames.set(node, path);
      const { content = { offset: 0, size: 0 } } = node;
      const entry = archive.entry({ ...common, type: 'file', size: content.size });
      // One entry after the other: that is what an archive is.
      await pipeline(Readable.from(image.read(content)), entry, { signal });
    } else if (node.kind === 'directory') archive.entry({ ...common, type: 'directory' });
    else if (node.kind === 'symlink')
      archive.entry({ ...common, type: 'symlink', linkname: node.target ?? '' });
    else archive.entry({ ...common, type: 'fifo' });
  }
  archive.finalize();
}
