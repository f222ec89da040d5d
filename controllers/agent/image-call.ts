// What may be asked of a machine about images that are pushed to it, parsed from what came over the tunnel.
import { jsonFields } from '#platform/json-fields.ts';
import { familiarName, imageReferenceOf } from '../machinery/image-reference.ts';
import type { ImageName } from '../runtimes/image-store.ts';

export interface PushedImage {
  /** What its own Engine calls it: `sha256:…`. */
  readonly id: string;
  readonly name: ImageName;
  /** Digests of its layers uncompressed, the lowest first. */
  readonly layers: readonly string[];
  /** Digest of its configuration, once that is known. */
  readonly config?: string;
}

export type ImageCall =
  /** What does this machine lack of the image? */
  | { readonly operation: 'plan'; readonly image: PushedImage }
  /** Here are some bytes of a blob. */
  | {
      readonly operation: 'blob';
      readonly digest: string;
      readonly offset: number;
      readonly size: number;
    }
  /** Everything is there: load it. */
  | { readonly operation: 'load'; readonly image: PushedImage };

const DIGEST = /^sha256:[0-9a-f]{64}$/;
/** Engines take no more than 128. */
const MOST_LAYERS = 512;

/** @param options of the query. undefined: it is no such call */
export function parseImageCall(
  operation: string,
  options: Readonly<Record<string, unknown>>,
  body: Buffer,
): ImageCall | undefined {
  switch (operation) {
    case 'blob': {
      const { digest, offset, size } = options;
      const [from, whole] = [Number(offset), Number(size)];
      const isRange = Number.isSafeInteger(from) && Number.isSafeInteger(whole) && from >= 0;
      if (typeof digest !== 'string' || !DIGEST.test(digest) || !isRange) return undefined;
      return { operation, digest, offset: from, size: whole };
    }
    case 'plan':
    case 'load': {
      const image = parseImage(body);
      return image === undefined ? undefined : { operation, image };
    }
    default:
      return undefined;
  }
}

function parseImage(body: Buffer): PushedImage | undefined {
  const fields = jsonFields(body.toString('utf8'));
  if (fields === undefined) return undefined;
  const { id, name, layers, config } = fields;
  const reference = typeof name === 'string' ? imageReferenceOf(name) : undefined;
  if (!isDigest(id) || reference === undefined || reference.digest !== undefined) return undefined;
  if (!Array.isArray(layers) || layers.length > MOST_LAYERS || !layers.every(isDigest))
    return undefined;
  if (config !== undefined && !isDigest(config)) return undefined;
  return {
    id,
    name: { repository: familiarName(reference), tag: reference.tag ?? 'latest' },
    layers,
    ...(config === undefined ? {} : { config }),
  };
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && DIGEST.test(value);
}
