// URLs as they may be shown: user, password, query and fragment may be credentials, so they stay out of every message and status.

/** `https://host/path` of a URL; `a URL that cannot be read` for what is none. */
export function redactURL(url: URL | string): string {
  const parsed = typeof url === 'string' ? URL.parse(url) : url;
  if (parsed === null) return 'a URL that cannot be read';
  const query = parsed.search === '' ? '' : '?…';
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}${query}`;
}

/** A message of somebody else's, where URLs may stand in. One line, at most 300 characters. */
export function redactText(text: string): string {
  return text
    .replaceAll(/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi, (url) => redactURL(url))
    .replaceAll(/\s+/g, ' ')
    .slice(0, 300);
}
