// Text as one word of a POSIX shell, which takes it as it is.

/** `it's` → `'it'\''s'` */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
