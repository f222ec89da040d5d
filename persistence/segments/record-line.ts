// One record as one line of JSON. A value that is a JSON object stands in it as it is, byte for byte, so that jq reads it; others
// (sealed Secrets) as base64. The value comes last: everything from `,"value":` to the closing brace is it.
import { isUtf8 } from 'node:buffer';
import { CorruptDataError } from '../errors.ts';
import type { LogRecord } from '../provider.ts';

const NEWLINE = 10;
const BRACE = 123;
const CLOSING_BRACE = 125;
const VALUE_TEXT = ',"value":';
const VALUE = Buffer.from(VALUE_TEXT);
const END = Buffer.from('}\n');

/** The line of a record: the whole as text, or the text before a value, that value, and what closes it. */
export interface RecordLine {
  readonly text: string;
  readonly value: Uint8Array | undefined;
  /** In bytes, its newline included. */
  readonly length: number;
}

export function lineOf(record: LogRecord): RecordLine {
  const { revision, kind, key, value } = record;
  const head = `{"revision":${revision},"kind":${JSON.stringify(kind)},"key":${JSON.stringify(key)}`;
  if (value === undefined) return whole(`${head},"deleted":true}\n`);
  if (!looksLikeJson(value))
    return whole(`${head},"base64":"${Buffer.from(value).toString('base64')}"}\n`);
  const text = head + VALUE_TEXT;
  return { text, value, length: Buffer.byteLength(text) + value.length + END.length };
}

function whole(text: string): RecordLine {
  return { text, value: undefined, length: Buffer.byteLength(text) };
}

/** @returns where the next one begins */
export function writeLine(bytes: Buffer, start: number, { text, value }: RecordLine): number {
  const at = start + bytes.write(text, start);
  if (value === undefined) return at;
  bytes.set(value, at);
  bytes.set(END, at + value.length);
  return at + value.length + END.length;
}

/** The line, its newline included, as pieces to be put behind each other. */
export function recordLine(record: LogRecord): readonly Uint8Array[] {
  const { text, value } = lineOf(record);
  return value === undefined ? [Buffer.from(text)] : [Buffer.from(text), value, END];
}

/** By its looks: parsing each value would cost more than all the rest, and what is no JSON after all is read back just the same. */
function looksLikeJson(value: Uint8Array): boolean {
  if (value[0] !== BRACE || value.at(-1) !== CLOSING_BRACE) return false;
  return !value.includes(NEWLINE) && isUtf8(value);
}

/** Records of lines that begin at `start`, up to `end`. Values are views of `bytes` where they can be. @throws CorruptDataError */
export function* recordsIn(bytes: Buffer, start: number, end: number): Generator<LogRecord> {
  let offset = start;
  while (offset < end) {
    const newline = bytes.indexOf(NEWLINE, offset);
    if (newline === -1 || newline >= end) throw new CorruptDataError('a line has no end');
    yield parseLine(bytes.subarray(offset, newline));
    offset = newline + 1;
  }
}

function parseLine(line: Buffer): LogRecord {
  // Not in kind or key: a quote inside of a JSON string has a backslash before it.
  const at = line.indexOf(VALUE);
  if (at !== -1) {
    const { revision, kind, key } = namedIn(`${line.toString('utf8', 0, at)}}`);
    return { revision, kind, key, value: line.subarray(at + VALUE.length, line.length - 1) };
  }
  const { revision, kind, key, rest } = namedIn(line.toString('utf8'));
  if (rest['deleted'] === true) return { revision, kind, key };
  const base64 = rest['base64'];
  if (typeof base64 !== 'string') throw new CorruptDataError('a record has no value');
  return { revision, kind, key, value: Buffer.from(base64, 'base64') };
}

function namedIn(text: string) {
  const parsed = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const { revision, kind, key } = parsed;
  if (typeof revision !== 'number' || typeof kind !== 'string' || typeof key !== 'string') {
    throw new CorruptDataError('a record has no revision, kind or key');
  }
  return { revision, kind, key, rest: parsed };
}
