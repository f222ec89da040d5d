// Reading DER, the binary form of certificates: tag, length, content, as much of it as certificate requests use.

/** One value, and where its content lies in the document. */
export interface DerValue {
  /** With the class and the constructed bit: 0x30 is a SEQUENCE, 0xa0 the first of a context. */
  readonly tag: number;
  /** Tag and length included. */
  readonly whole: Buffer;
  readonly content: Buffer;
}

/** Not the form that was expected. Says nothing of what was found. */
export class DerError extends Error {
  override name = 'DerError';
}

export const SEQUENCE = 0x30;
export const SET = 0x31;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;

/** The one value that `bytes` hold. @throws DerError */
export function readDer(bytes: Buffer): DerValue {
  const [value, ...more] = readAll(bytes);
  if (value === undefined || more.length > 0) throw new DerError('not one value');
  return value;
}

/** The values inside of one that has parts. @throws DerError */
export function partsOf(value: DerValue, tag: number): readonly DerValue[] {
  expectTag(value, tag);
  return readAll(value.content);
}

export function expectTag({ tag }: DerValue, expected: number): void {
  if (tag !== expected) throw new DerError(`tag ${tag} in place of ${expected}`);
}

function readAll(bytes: Buffer): readonly DerValue[] {
  const values: DerValue[] = [];
  let at = 0;
  while (at < bytes.length) {
    const value = readAt(bytes, at);
    values.push(value);
    at += value.whole.length;
  }
  return values;
}

function readAt(bytes: Buffer, at: number): DerValue {
  const tag = bytes[at] ?? 0;
  const first = bytes[at + 1];
  if (first === undefined || (tag & 0x1f) === 0x1f) throw new DerError('no tag and length');
  let start = at + 2;
  let length = first;
  if (first >= 0x80) {
    const size = first & 0x7f;
    // Nothing that anybody sends is longer than three bytes can say.
    if (size === 0 || size > 3 || start + size > bytes.length) throw new DerError('bad length');
    length = bytes.readUIntBE(start, size);
    start += size;
  }
  if (start + length > bytes.length) throw new DerError('cut short');
  return {
    tag,
    whole: bytes.subarray(at, start + length),
    content: bytes.subarray(start, start + length),
  };
}

/** `1.2.840.113549` */
export function objectIdentifier(value: DerValue): string {
  expectTag(value, OBJECT_IDENTIFIER);
  const numbers: number[] = [];
  let number = 0;
  for (const byte of value.content) {
    number = number * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...rest].join('.');
}
