// Reading a log while it is written to: what comes after a revision is not part of what is read.
import type { LogRecord } from './provider.ts';

/** @param release called once when the reading is over, whatever ended it */
export async function* recordsThrough(
  pages: AsyncIterable<readonly LogRecord[]>,
  last: number,
  release: () => void = () => undefined,
): AsyncGenerator<readonly LogRecord[]> {
  try {
    for await (const records of pages) {
      const wanted = records.filter(({ revision }) => revision <= last);
      if (wanted.length > 0) yield wanted;
      if (wanted.length < records.length) return;
    }
  } finally {
    release();
  }
}
