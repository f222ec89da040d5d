// An archive may be tiny and unpack without end: what comes out of it is counted before anybody looks at it.
import { TreeError } from './image-tree.ts';

/** For a pipeline, behind what unpacks. @param what for people: `the image` */
export function bounded(
  mostBytes: number,
  what: string,
): (source: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array> {
  return async function* (source) {
    let size = 0;
    for await (const piece of source) {
      size += piece.length;
      if (size > mostBytes) throw new TreeError(`${what} unpacks to more than ${mostBytes} bytes`);
      yield piece;
    }
  };
}
