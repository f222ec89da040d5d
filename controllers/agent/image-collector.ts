// Looks every few minutes whether the disk is full of images that nobody uses, and removes what this agent brought here.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { Counter } from '#platform/metrics.ts';
import type { ImageKeeper } from '../runtimes/image-keeper.ts';
import { imagesToRemove } from './image-collection.ts';
import type { ImageCollectionSettings } from './image-collection.ts';
import type { OwnImages } from './own-images.ts';

export interface ImageCollectorOptions {
  readonly keeper: ImageKeeper;
  readonly own: OwnImages;
  readonly settings: ImageCollectionSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Label `reason`. */
  readonly collected: Counter;
}

const EVERY_MS = 5 * 60_000;

/** Until the signal aborts. */
export async function collectImages(
  options: ImageCollectorOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, logger } = options;
  while (!signal.aborted) {
    try {
      await collectOnce(options);
    } catch (error) {
      if (!signal.aborted) logger.warn('Cannot look for images that nobody uses', { error });
    }
    await sleep(clock, EVERY_MS, signal).catch(() => undefined);
  }
}

export async function collectOnce(options: ImageCollectorOptions): Promise<void> {
  const { keeper, own, settings, clock, logger, collected } = options;
  // In this order: what comes into use meanwhile is not removed, the engine sees to that.
  const sizes = await keeper.sizes();
  const inUse = await keeper.inUse();
  const now = clock.now();
  await own.note(inUse, new Set(sizes.keys()), now);
  const disk = await keeper.disk();
  const removals = imagesToRemove({ own: own.all(), sizes, inUse, disk, settings, now });
  for (const { image, reason } of removals) {
    if (!(await keeper.remove(image.names))) continue;
    collected.inc({ reason });
    logger.info('Removed an image that nobody uses', { image: image.names.join(', '), reason });
  }
}
