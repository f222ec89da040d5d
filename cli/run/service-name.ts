// A name for a service that was given none: the image's, and four random characters.
import { randomInt } from 'node:crypto';
import {
  ImageReferenceError,
  parseImageReference,
} from '#controllers/machinery/image-reference.ts';
import type { ImageReference } from '#controllers/machinery/image-reference.ts';
import { UsageError } from '../usage-error.ts';

/** With `-` and the random part it fits into a DNS label. */
const LONGEST_STEM = 63 - 5;

/**
 * `ghcr.io/acme/my_api:1.2` → `my-api-k3x9`. Always a DNS label.
 *
 * @param random four characters that may end a DNS label
 * @throws UsageError when `image` is no image reference
 */
export function serviceNameOf(image: string, random: string): string {
  // A component of a repository begins with a letter or digit, so the label does.
  const { path } = checkImage(image);
  const stem = path
    .slice(path.lastIndexOf('/') + 1)
    // Other than a DNS label, it may have dots and underscores.
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, LONGEST_STEM)
    .replace(/-+$/, '');
  return `${stem}-${random}`;
}

function checkImage(image: string): ImageReference {
  try {
    return parseImageReference(image);
  } catch (error) {
    if (error instanceof ImageReferenceError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Four letters and digits that nobody can foresee. */
export function randomSuffix(): string {
  return Array.from({ length: 4 }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');
}
