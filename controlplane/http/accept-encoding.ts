// What a client says of encodings of content (RFC 9110, 12.5.3).

/** @param header of Accept-Encoding; absent: none but identity. @returns whether `encoding` is named and not refused: `gzip;q=0` is a no. */
export function acceptsEncoding(header: string | string[] | undefined, encoding: string): boolean {
  if (header === undefined) return false;
  const entries = String(header).toLowerCase().split(',');
  return entries.some((entry) => {
    const [name = '', ...parameters] = entry.split(';').map((part) => part.trim());
    return name === encoding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
