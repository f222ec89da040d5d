// What a node answers over its tunnel, whole and bounded: a node is not trusted to stop.
import { internalError } from '../api/errors.ts';

import type { TunnelSession } from './tunnel-session.ts';

/** Expects the session to be accepted. @throws ApiError beyond `limitBytes` */
export async function answerOf(session: TunnelSession, limitBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of session.bytes()) {
    bytes += part.length;
    if (bytes > limitBytes) throw internalError('the node answered with too much');
    parts.push(part);
  }
  return Buffer.concat(parts);
}
