// Which images may go from this machine. Only those that this agent brought here, and that no container uses; the longest unused
// first. Pure.

export interface ImageCollectionSettings {
  /** From this much of the disk in use on, images are removed … */
  readonly highPercent: number;
  /** … until no more than this is. */
  readonly lowPercent: number;
  /** What has just come, or has just been used, stays: it may be about to be. */
  readonly minimumAgeMs: number;
  /** Unused for longer, an image goes whatever the disk; 0: never for that. */
  readonly maximumAgeMs: number;
}

/** Those of upstream's kubelet. */
export const COLLECTION_DEFAULTS: ImageCollectionSettings = {
  highPercent: 85,
  lowPercent: 80,
  minimumAgeMs: 2 * 60_000,
  maximumAgeMs: 0,
};

/** An image that this agent brought here. Times in ms since the epoch. */
export interface OwnImage {
  readonly id: string;
  /** Under which it was pulled or pushed. */
  readonly names: readonly string[];
  readonly since: number;
  readonly usedAt: number;
}

export interface CollectionInput {
  readonly own: readonly OwnImage[];
  /** Sizes of all images that are there, by id. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Images of all containers, whosever they are. */
  readonly inUse: ReadonlySet<string>;
  /** undefined: not known, and then no reason to remove anything. */
  readonly disk: { readonly totalBytes: number; readonly freeBytes: number } | undefined;
  readonly settings: ImageCollectionSettings;
  readonly now: number;
}

export interface Removal {
  readonly image: OwnImage;
  readonly reason: 'space' | 'age';
}

export function imagesToRemove(input: CollectionInput): readonly Removal[] {
  const { own, sizes, inUse, disk, settings, now } = input;
  const free = own
    .filter(({ id }) => sizes.has(id) && !inUse.has(id))
    .filter(({ since, usedAt }) => now - Math.max(since, usedAt) >= settings.minimumAgeMs)
    .toSorted((a, b) => a.usedAt - b.usedAt || a.since - b.since || (a.id < b.id ? -1 : 1));
  let missing = disk === undefined ? 0 : bytesToFree(disk, settings);
  return free.flatMap((image): Removal[] => {
    const isOld = settings.maximumAgeMs > 0 && now - image.usedAt > settings.maximumAgeMs;
    if (missing <= 0 && !isOld) return [];
    missing -= sizes.get(image.id) ?? 0;
    return [{ image, reason: isOld ? 'age' : 'space' }];
  });
}

function bytesToFree(
  { totalBytes, freeBytes }: NonNullable<CollectionInput['disk']>,
  { highPercent, lowPercent }: ImageCollectionSettings,
): number {
  if (totalBytes <= 0) return 0;
  const used = totalBytes - freeBytes;
  if ((used / totalBytes) * 100 < highPercent) return 0;
  return used - (totalBytes * lowPercent) / 100;
}
