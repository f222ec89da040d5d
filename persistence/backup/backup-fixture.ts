// Logs for the tests here.
import { randomBytes } from 'node:crypto';
import type { LogDump, LogRecord } from '../provider.ts';

/** A log with a history: puts, rewrites, deletions, sealed values that are no JSON. */
export function someRecords(count: number): readonly LogRecord[] {
  const records: LogRecord[] = [];
  for (let revision = 1; revision <= count; revision += 1) {
    const key = `default/o${revision % Math.max(3, Math.floor(count / 3))}`;
    if (revision % 11 === 0) {
      records.push({ revision, kind: 'core/pods', key });
    } else if (revision % 7 === 0) {
      records.push({ revision, kind: 'core/secrets', key, value: randomBytes(48) });
    } else {
      const value = Buffer.from(JSON.stringify({ kind: 'Pod', n: revision, text: 'ä"\\ü\u2028' }));
      records.push({ revision, kind: 'core/pods', key, value });
    }
  }
  return records;
}

export function dumpOf(records: readonly LogRecord[], pageSize = 100): LogDump {
  return {
    epoch: 3,
    revision: records.at(-1)?.revision ?? 0,
    compacted: 0,
    records: pagesOf(records, pageSize),
  };
}

async function* pagesOf(records: readonly LogRecord[], pageSize: number): LogDump['records'] {
  for (let start = 0; start < records.length; start += pageSize)
    yield await Promise.resolve(records.slice(start, start + pageSize));
}

/** Values as text that can be compared. */
export function comparable(records: readonly LogRecord[]): readonly unknown[] {
  return records.map(({ revision, kind, key, value }) => [
    revision,
    kind,
    key,
    value === undefined ? undefined : Buffer.from(value).toString('base64'),
  ]);
}

export async function allOf(pages: LogDump['records']): Promise<readonly LogRecord[]> {
  const all: LogRecord[] = [];
  for await (const records of pages) all.push(...records);
  return all;
}
