// `Accept` → how to answer. Headers repeat (every client sends two or three), so parsed ones are kept.
import { notAcceptable } from '../api/errors.ts';

export interface MediaRange {
  /** `application/json`, `*` + `/*`, in lower case. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** The shape and encoding of an answer that holds objects. */
export interface Representation {
  readonly media: 'json' | 'yaml';
  readonly as: 'Object' | 'Table' | 'PartialObjectMetadata';
  /** Of meta.k8s.io, for the two shapes that are not the object's own. */
  readonly metaVersion: 'v1' | 'v1beta1';
}

export const plainJSON: Representation = { media: 'json', as: 'Object', metaVersion: 'v1' };

// Protobuf is named because upstream's texts name it; clients that prefer it all list JSON behind it.
const ACCEPTED = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const CACHE_LIMIT = 512;

const ranges = new Map<string, readonly MediaRange[]>();
const representations = new Map<string, Representation | null>();

/** The media ranges of an Accept header, most wanted first; equal quality keeps the order of the header. */
export function parseAccept(header: string): readonly MediaRange[] {
  let parsed = ranges.get(header);
  if (parsed === undefined) {
    parsed = header
      .split(',')
      .map(parseRange)
      .filter((range) => range.quality > 0 && range.type !== '')
      .toSorted((a, b) => b.quality - a.quality);
    remember(ranges, header, parsed);
  }
  return parsed;
}

function parseRange(text: string): MediaRange & { readonly quality: number } {
  const [type = '', ...rest] = text.split(';');
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const equals = parameter.indexOf('=');
    if (equals < 0) continue;
    parameters.set(parameter.slice(0, equals).trim(), parameter.slice(equals + 1).trim());
  }
  const quality = Number(parameters.get('q') ?? '1');
  return {
    type: type.trim().toLowerCase(),
    parameters,
    quality: Number.isFinite(quality) ? quality : 0,
  };
}

/**
 * @param header absent or '' means JSON
 * @throws ApiError NotAcceptable when nothing of it can be served
 */
export function negotiate(header: string | undefined): Representation {
  if (header === undefined || header === '' || header === 'application/json') return plainJSON;
  let found = representations.get(header);
  if (found === undefined) {
    found = choose(parseAccept(header)) ?? null;
    remember(representations, header, found);
  }
  if (found === null) throw notAcceptable(ACCEPTED);
  return found;
}

function choose(accepted: readonly MediaRange[]): Representation | undefined {
  for (const range of accepted) {
    const media = mediaOf(range.type);
    if (media === undefined) continue;
    const as = range.parameters.get('as');
    if (as === undefined) return { media, as: 'Object', metaVersion: 'v1' };
    const metaVersion = range.parameters.get('v');
    if (range.parameters.get('g') !== 'meta.k8s.io') continue;
    if (metaVersion !== 'v1' && metaVersion !== 'v1beta1') continue;
    if (as === 'Table') return { media, as, metaVersion };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
      return { media, as: 'PartialObjectMetadata', metaVersion };
    }
  }
  return undefined;
}

function mediaOf(type: string): 'json' | 'yaml' | undefined {
  switch (type) {
    case 'application/json':
    case 'application/*':
    case '*/*':
      return 'json';
    case 'application/yaml':
      return 'yaml';
    default:
      return undefined;
  }
}

/** Keeps a bounded number of answers: headers come from clients. */
function remember<T>(cache: Map<string, T>, header: string, value: T): void {
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(header, value);
}
