// What goes over a tunnel session besides its first answer: frames of one WebSocket message each. One byte says what it is, four
// say for which channel (big endian), the rest is payload. Both halves speak it, the server and the agent that has dialled.

export const KINDS = ['data', 'end', 'credit', 'open', 'reset', 'control'] as const;
export type FrameKind = (typeof KINDS)[number];

export interface Frame {
  readonly kind: FrameKind;
  /** 0 for what concerns the whole session. */
  readonly channel: number;
  readonly payload: Buffer;
}

const HEADER_BYTES = 5;

export function encodeFrame(kind: FrameKind, channel: number, payload?: Buffer): Buffer {
  const message = Buffer.allocUnsafe(HEADER_BYTES + (payload?.length ?? 0));
  message.writeUInt8(KINDS.indexOf(kind), 0);
  message.writeUInt32BE(channel, 1);
  payload?.copy(message, HEADER_BYTES);
  return message;
}

/** undefined when it is none. The payload is a view of the message. */
export function decodeFrame(message: Buffer): Frame | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  const kind = KINDS[message.readUInt8(0)];
  if (kind === undefined) return undefined;
  return { kind, channel: message.readUInt32BE(1), payload: message.subarray(HEADER_BYTES) };
}
