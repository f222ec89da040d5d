// Puts an image onto a host as the tree of a machine's root. Layers are read, judged and put together here.
import { compressionOf, ImageError } from '../binaries/image-manifest.ts';
import { resolveImageManifest } from './image-source.ts';
import { putTree, withTree } from './put-tree.ts';
import type { RootFSContext } from './rootfs-context.ts';

/** The folder is there already, and empty. @returns the digest of the manifest that was unpacked */
export async function unpackImage(context: RootFSContext, signal: AbortSignal): Promise<string> {
  const { goal, images } = context;
  const { architecture, machineName, machineDirectory } = goal;
  await using opened = await images.open(goal.image, signal);
  const { source, tag } = opened;
  const { manifest, digest } = await resolveImageManifest(source, { architecture, tag }, signal);
  // Waited for: what is opened is closed when this returns.
  return await withTree(context, {}, async (image) => {
    for (const layer of manifest.layers) {
      // Each layer changes what those below it made.
      await image.add(source.blob(layer, signal), compressionOf(layer), signal);
    }
    if (image.tree.get('sbin/init') === undefined)
      throw new ImageError('the image has no /sbin/init, so no machine can boot from it');
    const archive = `/var/lib/machines/.${machineName}.tar`;
    const place = { folder: machineDirectory, archive, keepsOwners: true };
    await putTree(image, context, place, signal);
    return digest;
  });
}
