// References to container images, after the grammar of the OCI distribution project: what the text means, its one full form and the
// short form that people write. Pure.

export interface ImageReference {
  /** `docker.io`, `127.0.0.1:5000`, `[::1]:5000`: which registry. */
  readonly domain: string;
  /** `library/nginx`: which repository there. */
  readonly path: string;
  /** Absent when the text has none: `latest` is meant then, unless there is a digest. */
  readonly tag?: string;
  /** `sha256:…`; where there is one, it alone decides which image it is. */
  readonly digest?: string;
}

/** The message says what is wrong with the text, and quotes it. */
export class ImageReferenceError extends Error {
  constructor(text: string, why: string) {
    // Whatever was given in its place may be long.
    const shown = text.length > 80 ? `${text.slice(0, 79)}…` : text;
    super(`invalid image ${JSON.stringify(shown)}: ${why}`);
    this.name = 'ImageReferenceError';
  }
}

const DEFAULT_DOMAIN = 'docker.io';
/** The name under which clients of long ago kept the same registry. */
const LEGACY_DEFAULT_DOMAIN = 'index.docker.io';
const OFFICIAL = 'library';
const DEFAULT_TAG = 'latest';
/** Of domain and path with the slash between them. */
const LONGEST_NAME = 255;
/** A name, a tag and the longest digest fit; nothing longer is looked at. */
const LONGEST_TEXT = 1024;

const DOMAIN_COMPONENT = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
const DOMAIN = new RegExp(
  String.raw`^(?:${DOMAIN_COMPONENT}(?:\.${DOMAIN_COMPONENT})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$`,
);
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
/** Algorithms that everybody knows have one length, and small letters. */
const KNOWN_DIGEST_LENGTHS: ReadonlyMap<string, number> = new Map([
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);
const IDENTIFIER = /^[0-9a-f]{64}$/;

/** @throws ImageReferenceError */
export function parseImageReference(text: string): ImageReference {
  const invalid = (why: string): ImageReferenceError => new ImageReferenceError(text, why);
  if (text === '') throw invalid('it is empty');
  if (text.length > LONGEST_TEXT) throw invalid(`it is longer than ${LONGEST_TEXT} characters`);
  if (IDENTIFIER.test(text)) throw invalid('64 hexadecimal digits are an id of one machine');
  const at = text.indexOf('@');
  const named = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest))
    throw invalid('what follows @ must be a digest, such as sha256:… with 64 hexadecimal digits');
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag))
    throw invalid(
      'the tag must be up to 128 letters, digits, _, . and -, and begin with none of the last two',
    );
  const { domain, path } = splitDomain(name);
  if (!DOMAIN.test(domain)) throw invalid(`${JSON.stringify(domain)} is no address of a registry`);
  const wrong = path.split('/').find((component) => !PATH_COMPONENT.test(component));
  if (wrong !== undefined)
    throw invalid(
      /[A-Z]/.test(wrong) && PATH_COMPONENT.test(wrong.toLowerCase())
        ? `the name must be in lower case, ${JSON.stringify(wrong.toLowerCase())}`
        : 'write it as [REGISTRY/]NAME[:TAG][@DIGEST]; NAME has small letters and digits, with . _ __ - between them',
    );
  if (domain.length + 1 + path.length > LONGEST_NAME)
    throw invalid(`registry and name are longer than ${LONGEST_NAME} characters`);
  return {
    domain,
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** As parseImageReference(), but undefined for what is none. */
export function imageReferenceOf(text: string): ImageReference | undefined {
  try {
    return parseImageReference(text);
  } catch (error) {
    if (error instanceof ImageReferenceError) return undefined;
    throw error;
  }
}

export function isDigest(text: string): boolean {
  if (!DIGEST.test(text)) return false;
  const colon = text.indexOf(':');
  const length = KNOWN_DIGEST_LENGTHS.get(text.slice(0, colon));
  const hex = text.slice(colon + 1);
  return length === undefined || (hex.length === length && !/[A-F]/.test(hex));
}

/** `docker.io/library/nginx`: registry and repository. */
export function repositoryName({ domain, path }: ImageReference): string {
  return `${domain}/${path}`;
}

/** The one full form: `nginx` → `docker.io/library/nginx:latest`. With a digest no tag is added. */
export function fullImage(reference: ImageReference): string {
  const { tag = reference.digest === undefined ? DEFAULT_TAG : undefined, digest } = reference;
  return `${repositoryName(reference)}${suffixOf(tag, digest)}`;
}

/**
 * The shortest form that means the same: `docker.io/library/nginx:latest` → `nginx`. What people have written mostly is that already,
 * and then stays as it is, letter by letter.
 */
export function familiarImage(reference: ImageReference): string {
  const { tag, digest } = reference;
  return `${familiarName(reference)}${suffixOf(tag === DEFAULT_TAG ? undefined : tag, digest)}`;
}

/** The short form of an image's text; what is no reference stays as it is. */
export function canonicalImageText(text: string): string {
  const reference = imageReferenceOf(text);
  return reference === undefined ? text : familiarImage(reference);
}

/** Without tag and digest: `docker.io/library/nginx` → `nginx`, `ghcr.io/acme/api` stays. */
export function familiarName({ domain, path }: ImageReference): string {
  if (domain !== DEFAULT_DOMAIN) return `${domain}/${path}`;
  const [first = '', ...rest] = path.split('/');
  if (first === OFFICIAL && rest.length === 1) return rest[0] ?? '';
  // Without its registry it would be read as a name on another one.
  return rest.length === 0 || isDomain(first) ? `${domain}/${path}` : path;
}

function suffixOf(tag: string | undefined, digest: string | undefined): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

function splitDomain(name: string): { readonly domain: string; readonly path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(0, slash));
  const hasDomain = slash >= 0 && isDomain(first);
  const given = hasDomain ? first : DEFAULT_DOMAIN;
  const domain = given === LEGACY_DEFAULT_DOMAIN ? DEFAULT_DOMAIN : given;
  const rest = hasDomain ? name.slice(slash + 1) : name;
  const path = domain === DEFAULT_DOMAIN && !rest.includes('/') ? `${OFFICIAL}/${rest}` : rest;
  return { domain, path };
}

/** What stands before the first slash is a registry when no repository can be called so. */
function isDomain(first: string): boolean {
  return /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
}
