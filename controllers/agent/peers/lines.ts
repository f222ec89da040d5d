// Lines on a connection between agents: JSON, one message each, of bounded length.
import type { Duplex } from 'node:stream';

/** Longest line in bytes; an announcement of one instance is a tenth of that. */
export const LONGEST_LINE = 4_096;

/** Cuts a stream into lines. Pure but for what it holds of an unfinished line. */
export class LineSplitter {
  #rest = '';

  /** @returns the lines that are complete now. @throws Error for one that is too long */
  push(chunk: Buffer | string): readonly string[] {
    const lines = `${this.#rest}${chunk.toString('latin1')}`.split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > LONGEST_LINE || lines.some((line) => line.length > LONGEST_LINE))
      throw new Error(`a line is longer than ${LONGEST_LINE} bytes`);
    return lines.map((line) => Buffer.from(line, 'latin1').toString('utf8'));
  }
}

/**
 * The first line. What follows stays in the stream for whoever reads next.
 *
 * @throws Error when the stream ends or breaks first, or the line is too long; the signal's reason when it aborts
 */
export function readLine(stream: Duplex, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const finish = (error: Error | undefined, line = ''): void => {
      stream
        .off('readable', onReadable)
        .off('error', onError)
        .off('close', onClose)
        .off('end', onClose);
      signal.removeEventListener('abort', onAbort);
      if (error !== undefined) {
        reject(error);
        return;
      }
      // Not before the stream has noticed that nobody waits for `readable` any more: only then it flows to the next reader.
      process.nextTick(resolve, line);
    };
    const onReadable = (): void => {
      for (let chunk = next(stream); chunk !== null; chunk = next(stream)) {
        const end = chunk.indexOf('\n');
        const part = end < 0 ? chunk : chunk.subarray(0, end);
        bytes += part.length;
        if (bytes > LONGEST_LINE) {
          finish(new Error(`the first line is longer than ${LONGEST_LINE} bytes`));
          return;
        }
        parts.push(part);
        if (end < 0) continue;
        if (end + 1 < chunk.length) stream.unshift(chunk.subarray(end + 1));
        finish(undefined, Buffer.concat(parts).toString('utf8'));
        return;
      }
    };
    const onError = (error: Error): void => finish(error);
    const onClose = (): void => finish(new Error('the connection ended before its first line'));
    const onAbort = (): void => finish(signal.reason as Error);
    stream.on('readable', onReadable).on('error', onError).on('close', onClose).on('end', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    else if (stream.destroyed) onClose();
  });
}

function next(stream: Duplex): Buffer | null {
  return stream.read() as Buffer | null;
}
