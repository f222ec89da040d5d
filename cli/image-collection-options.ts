// Flags of the commands that run a node agent: when it removes images that nobody uses. Words and defaults are the kubelet's.
import { COLLECTION_DEFAULTS } from '#controllers/agent/image-collection.ts';
import type { ImageCollectionSettings } from '#controllers/agent/image-collection.ts';
import { parseDuration } from '#controllers/machinery/duration.ts';
import type { OptionTable, OptionValues } from './options.ts';
import { UsageError } from './usage-error.ts';

export const imageCollectionOptions = {
  'image-gc-high-threshold': {
    type: 'integer',
    placeholder: 'PERCENT',
    minimum: 0,
    maximum: 100,
    default: COLLECTION_DEFAULTS.highPercent,
    help: 'From this much of the disk in use on, images that no container uses are removed; 100: never for that',
  },
  'image-gc-low-threshold': {
    type: 'integer',
    placeholder: 'PERCENT',
    minimum: 0,
    maximum: 100,
    default: COLLECTION_DEFAULTS.lowPercent,
    help: 'They are removed until no more than this is in use',
  },
  'image-minimum-age': {
    type: 'string',
    placeholder: 'DURATION',
    default: '2m',
    help: 'Images that came or were used more lately than this stay',
  },
  'image-maximum-age': {
    type: 'string',
    placeholder: 'DURATION',
    default: '0s',
    help: 'Images that were not used for longer go, whatever the disk; 0s: never for that',
  },
} as const satisfies OptionTable;

/** @throws UsageError for what is no duration, and for thresholds that no disk could be between */
export function imageCollectionOf(
  values: OptionValues<typeof imageCollectionOptions>,
): ImageCollectionSettings {
  const highPercent = values['image-gc-high-threshold'];
  const lowPercent = values['image-gc-low-threshold'];
  if (lowPercent >= highPercent)
    throw new UsageError(
      `--image-gc-low-threshold must be less than --image-gc-high-threshold, found ${lowPercent} and ${highPercent}`,
    );
  return {
    highPercent,
    lowPercent,
    minimumAgeMs: duration('image-minimum-age', values['image-minimum-age']),
    maximumAgeMs: duration('image-maximum-age', values['image-maximum-age']),
  };
}

function duration(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new UsageError(
      `--${flag} must be a duration such as 90s or 48h, found ${JSON.stringify(text)}`,
    );
  return ms;
}
