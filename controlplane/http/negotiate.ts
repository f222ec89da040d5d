// `Accept` → how to answer. Headers repeat (every client sends two or three), so parsed ones are kept.
import { ApiError, notAcceptable } from '../api/errors.ts';

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
  /** Asked for PartialObjectMetadataList. */
  readonly ofList?: true;
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

/** For an answer that is one object. @throws ApiError NotAcceptable */
export function negotiateObject(header: string | undefined): Representation {
  const representation = negotiate(header);
  if (representation.ofList !== true) return representation;
  throw wrongShape('PartialObjectMetadataList', 'not a list');
}

/** For an answer that is a list. @throws ApiError NotAcceptable */
export function negotiateList(header: string | undefined): Representation {
  const representation = negotiate(header);
  if (representation.as !== 'PartialObjectMetadata' || representation.ofList === true) {
    return representation;
  }
  throw wrongShape('PartialObjectMetadata', 'a list');
}

/** For an answer that has no metadata, so that there is nothing to show of it but itself. @throws ApiError NotAcceptable */
export function negotiatePlain(header: string | undefined): Representation {
  const representation = negotiate(header);
  if (representation.as === 'Object') return representation;
  throw notAcceptable(ACCEPTED);
}

function wrongShape(asked: string, found: string): ApiError {
  return new ApiError(
    406,
    'NotAcceptable',
    `you requested ${asked}, but the requested object is ${found}`,
  );
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
    if (as === 'PartialObjectMetadata') return { media, as, metaVersion };
    if (as === 'PartialObjectMetadataList') {
      return { media, as: 'PartialObjectMetadata', metaVersion, ofList: true };
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
