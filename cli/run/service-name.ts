// A name for a service that was given none: the image's, and four random characters.
import { randomInt } from 'node:crypto';
import { UsageError } from '../usage-error.ts';

/** With `-` and the random part it fits into a DNS label. */
const LONGEST_STEM = 63 - 5;

/** One repository component of a Docker reference. */
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
/** What stands for the registry: it has a dot or a port, or is localhost. */
const REGISTRY =
  /^(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|\[[0-9a-fA-F:]+\]|[A-Za-z0-9-]+(?=:))(?::\d+)?$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/**
 * `ghcr.io/acme/my_api:1.2` → `my-api-k3x9`.
 *
 * @param random four characters that may end a DNS label
 * @throws UsageError when `image` is no image reference
 */
export function serviceNameOf(image: string, random: string): string {
  const stem = repositoryOf(image)
    .replace(/^.*\//, '')
    // Other than a DNS label, a repository may have dots and underscores.
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, LONGEST_STEM)
    .replace(/-+$/, '');
  return `${stem}-${random}`;
}

/** Without tag and digest. @throws UsageError when `image` is no image reference */
export function repositoryOf(image: string): string {
  const invalid = (why: string): UsageError =>
    new UsageError(`invalid image ${JSON.stringify(image)}: ${why}`);
  const [name = '', digest, ...rest] = image.split('@');
  if (rest.length > 0 || (digest !== undefined && !DIGEST.test(digest)))
    throw invalid('what follows @ must be a digest, such as sha256:… with 64 hexadecimal digits');
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  const repository = colon === -1 ? name : name.slice(0, colon);
  const tag = colon === -1 ? undefined : name.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag))
    throw invalid('the tag must be up to 128 letters, digits, _, . and -');
  const parts = repository.split('/');
  const [first = ''] = parts;
  const path = parts.length > 1 && REGISTRY.test(first) ? parts.slice(1) : parts;
  if (!path.every((part) => COMPONENT.test(part)))
    throw invalid('write it as [REGISTRY/]NAME[:TAG][@DIGEST], the name in lower case');
  return repository;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Four letters and digits that nobody can foresee. */
export function randomSuffix(): string {
  return Array.from({ length: 4 }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');
}
