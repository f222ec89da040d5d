// Splits the body of a watch into its JSON documents, one per line, and sorts out what they mean.
import type { ClientWatchEvent } from './client-types.ts';
import { ConnectionError, requestErrorOf } from './request-error.ts';

/** Lines of a byte stream, without their newline. A last line without newline is dropped: it was cut off. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  // Kept in pieces: joining at each chunk would cost quadratic time for an object of several megabytes.
  let pieces: string[] = [];
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      pieces.push(text.slice(start, end));
      const line = pieces.join('');
      pieces = [];
      start = end + 1;
      if (line !== '') yield line;
    }
    if (start < text.length) pieces.push(text.slice(start));
  }
}

interface WireEvent {
  readonly type: string;
  readonly object: unknown;
}

/**
 * One watch document.
 *
 * @throws RequestError for an ERROR event, ConnectionError for a line that is no watch event
 */
export function parseWatchEvent<T>(line: string, path: string): ClientWatchEvent<T> {
  let event: WireEvent;
  try {
    event = JSON.parse(line) as WireEvent;
  } catch (error) {
    throw new ConnectionError(`Cannot parse a watch event of ${path}`, error);
  }
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: event.type, object: event.object as T };
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: resourceVersionOf(event.object) };
    case 'ERROR':
      throw requestErrorOf(500, event.object, 'WATCH', path);
    default:
      throw new ConnectionError(
        `Cannot use a watch event of ${path}: its type is ${JSON.stringify(event.type)}`,
      );
  }
}

function resourceVersionOf(object: unknown): string {
  const metadata = (object as { metadata?: { resourceVersion?: unknown } } | null)?.metadata;
  return typeof metadata?.resourceVersion === 'string' ? metadata.resourceVersion : '';
}
