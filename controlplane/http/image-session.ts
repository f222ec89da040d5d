// One call about pushed images to a node over its tunnel: the body goes there in pieces, a JSON text comes back.
import { answerOf } from './session-answer.ts';
import type { TunnelSession } from './tunnel-session.ts';

export interface ImageSessionRequest {
  readonly stream: 'images';
  /** `plan`, `blob`, `load`: the agent knows which there are. */
  readonly operation: string;
  /** Of the query. */
  readonly options: Readonly<Record<string, string>>;
}

/** What of tunnels.ts is needed here. */
interface Tunnels {
  open(node: string, request: ImageSessionRequest, signal: AbortSignal): Promise<TunnelSession>;
}

/** Below the largest message that either side takes. */
const PIECE_BYTES = 256 << 10;
const ANSWER_LIMIT_BYTES = 1 << 20;

/** @throws ApiError the agent's own, or one that says that it cannot be reached */
export async function callImages(
  tunnels: Tunnels,
  node: string,
  call: Omit<ImageSessionRequest, 'stream'>,
  body: Buffer,
  signal: AbortSignal,
): Promise<Buffer> {
  const session = await tunnels.open(node, { stream: 'images', ...call }, signal);
  const close = (): void => session.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    for (let at = 0; at < body.length; at += PIECE_BYTES)
      await session.send(body.subarray(at, at + PIECE_BYTES));
    await session.send('end');
    await session.accepted();
    return await answerOf(session, ANSWER_LIMIT_BYTES);
  } finally {
    signal.removeEventListener('abort', close);
    session.close();
  }
}
