// The images of this machine as Node.status has them: largest first, as the kubelet lists them.
import type { ImageStore } from '../runtimes/image-store.ts';

interface NodeImage {
  readonly names: readonly string[];
  readonly sizeBytes: number;
}

/** More would make each write of the Node's status a large one. */
const MOST_IMAGES = 200;
const MOST_NAMES = 5;

/** Empty where the runtime keeps none; undefined when it cannot be asked now. */
export async function imagesOf(
  store: ImageStore | undefined,
): Promise<readonly NodeImage[] | undefined> {
  if (store === undefined) return [];
  const images = await store.list().catch(() => undefined);
  return images
    ?.map(({ names, sizeBytes }) => ({ names: names.toSorted().slice(0, MOST_NAMES), sizeBytes }))
    .toSorted(
      (a, b) => b.sizeBytes - a.sizeBytes || ((a.names[0] ?? '') < (b.names[0] ?? '') ? -1 : 1),
    )
    .slice(0, MOST_IMAGES);
}
