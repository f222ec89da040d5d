// Reads the name that a client asks for out of the first bytes of a TLS connection (RFC 8446 §4.1.2, RFC 6066 §3). Pure; whatever it
// cannot read is "no name", for the TLS library to refuse.

export type ClientHello =
  /** Not all of it is there yet. */
  | { readonly type: 'more' }
  /** Not TLS, or broken. */
  | { readonly type: 'invalid' }
  /** In lower case; '' when it names none. */
  | { readonly type: 'hello'; readonly serverName: string };

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;
/** Far above what clients send, post-quantum keys included. */
export const MAXIMUM_HELLO_BYTES = 32 << 10;

export function readClientHello(bytes: Buffer): ClientHello {
  const handshake = handshakeOf(bytes);
  if (handshake === undefined) return { type: 'invalid' };
  if (handshake.length < 4) return { type: 'more' };
  if (handshake[0] !== CLIENT_HELLO) return { type: 'invalid' };
  const length = handshake.readUIntBE(1, 3);
  if (length > MAXIMUM_HELLO_BYTES) return { type: 'invalid' };
  if (handshake.length < 4 + length) return { type: 'more' };
  try {
    return { type: 'hello', serverName: serverNameOf(handshake.subarray(4, 4 + length)) };
  } catch (error) {
    // Lengths that point beyond the end.
    if (error instanceof RangeError) return { type: 'invalid' };
    throw error;
  }
}

/** What is there of the handshake, out of one or more records; undefined when it is something else. */
function handshakeOf(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== HANDSHAKE_RECORD) return at === 0 ? undefined : Buffer.concat(parts);
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return undefined;
    if (at + 5 > bytes.length) break;
    const length = bytes.readUInt16BE(at + 3);
    parts.push(bytes.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  return Buffer.concat(parts);
}

function serverNameOf(hello: Buffer): string {
  let at = 2 + 32;
  at += 1 + hello.readUInt8(at); // session id
  at += 2 + hello.readUInt16BE(at); // cipher suites
  at += 1 + hello.readUInt8(at); // compression methods
  if (at >= hello.length) return '';
  const end = at + 2 + hello.readUInt16BE(at);
  at += 2;
  while (at + 4 <= end) {
    const type = hello.readUInt16BE(at);
    const length = hello.readUInt16BE(at + 2);
    if (type === SERVER_NAME) return hostNameOf(hello.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return '';
}

function hostNameOf(extension: Buffer): string {
  let at = 2;
  while (at + 3 <= extension.length) {
    const length = extension.readUInt16BE(at + 1);
    if (extension[at] === HOST_NAME)
      return extension.toString('latin1', at + 3, at + 3 + length).toLowerCase();
    at += 3 + length;
  }
  return '';
}
