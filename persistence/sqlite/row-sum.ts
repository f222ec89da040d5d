// The checksum that each row of the log has.
import { crc32 } from 'node:zlib';
import type { LogRecord } from '../provider.ts';

export function rowSum({ revision, kind, key, value }: LogRecord): number {
  const names = crc32(`${revision}\0${kind}\0${key}\0${value === undefined ? '-' : '+'}`);
  return value === undefined ? names : crc32(value, names);
}
