// A `--persistence` URL as messages may show it: what may be a key in it is for nobody's screen.

/** Schemes of which all before a question mark may be shown; those of s3 are shown by s3/url.ts. */
const OURS = /^(?:sqlite|nfs|module):/;

/** Without parameters; of a scheme that is not ours nothing but its name. */
export function shownUrl(url: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0];
  if (scheme === undefined || OURS.test(url)) return url.replace(/\?.*$/s, '?…');
  return scheme.length === url.length ? url : `${scheme}…`;
}
