// Where the image of a root is: in a registry, in an OCI layout on this machine, or in an archive of one behind HTTPS. Pure.
import { parseImageReference } from '../machinery/image-reference.ts';
import type { ImageReference } from '../machinery/image-reference.ts';

export type ImageLocation =
  | { readonly kind: 'registry'; readonly reference: ImageReference; readonly mayBePlain: boolean }
  | { readonly kind: 'layout'; readonly path: string; readonly tag: string | undefined }
  | { readonly kind: 'archive'; readonly url: URL };

export class ImageLocationError extends Error {
  override readonly name = 'ImageLocationError';
}

const LAYOUT = /^oci-layout:(?:\/\/)?/;

/**
 * `NAME[:TAG][@DIGEST]`, also behind `oci://`; `oci-layout:/PATH[:TAG]`; `https://…` of a tar archive of a layout.
 *
 * @throws ImageLocationError | ImageReferenceError
 */
export function parseImageLocation(text: string): ImageLocation {
  if (LAYOUT.test(text)) return layoutOf(text.replace(LAYOUT, ''), text);
  if (/^https?:\/\//.test(text)) return archiveOf(text);
  const reference = parseImageReference(text.replace(/^oci:\/\//, ''));
  return { kind: 'registry', reference, mayBePlain: isNear(reference.domain) };
}

/** The part of a reference that names one manifest: its digest, else its tag, else `latest`. */
export function wantedManifest({ tag, digest }: ImageReference): string {
  return digest ?? tag ?? 'latest';
}

function layoutOf(rest: string, text: string): ImageLocation {
  const colon = rest.lastIndexOf(':');
  const hasTag = colon > rest.lastIndexOf('/');
  const path = hasTag ? rest.slice(0, colon) : rest;
  const tag = hasTag ? rest.slice(colon + 1) : undefined;
  if (!path.startsWith('/') || tag === '')
    throw new ImageLocationError(
      `image ${JSON.stringify(text)}: write a layout as oci-layout:/ABSOLUTE/PATH[:TAG]`,
    );
  return { kind: 'layout', path, tag };
}

function archiveOf(text: string): ImageLocation {
  const url = URL.parse(text);
  const shown = JSON.stringify(text.replace(/[?#].*$/s, '').replace(/\/\/[^/]*@/, '//'));
  if (url === null) throw new ImageLocationError(`image ${shown}: it is no URL`);
  if (url.protocol === 'http:' && !isNear(url.host))
    throw new ImageLocationError(
      `image ${shown}: plain HTTP is only for this machine and private addresses; use https://`,
    );
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    throw new ImageLocationError(
      `image ${shown}: the URL of an archive has no query, no fragment and no login, because it is written into statuses`,
    );
  return { kind: 'archive', url };
}

/** localhost and private addresses: there plain HTTP may be spoken where HTTPS is not. */
function isNear(domain: string): boolean {
  const host = domain.replace(/:\d+$/, '');
  if (host === 'localhost' || host === '[::1]' || /^\[f[cd]/i.test(host)) return true;
  const parts = /^(\d+)\.(\d+)\.\d+\.\d+$/.exec(host);
  if (parts === null) return false;
  const [first, second] = [Number(parts[1]), Number(parts[2])];
  return (
    first === 127 ||
    first === 10 ||
    (first === 172 && second >= 16 && second <= 31) ||
    (first === 192 && second === 168) ||
    (first === 169 && second === 254)
  );
}
