// Writes a new file over sftp: several pieces on their way at a time, synced where the server can.
import { createHash } from 'node:crypto';
import type { SFTPWrapper } from 'ssh2';
import { piecesOf } from '../host-content.ts';
import type { HostContent } from '../host-content.ts';

/** What every server takes in one request. */
const REQUEST_BYTES = 32 << 10;
/** A megabyte on its way hides the time of a round trip. */
const IN_FLIGHT = 32;

export interface Upload {
  /** SHA-256 of what was sent, lower-case hex. */
  readonly digest: string;
  /** False: the server cannot; somebody must. */
  readonly isSynced: boolean;
}

type Done<T = unknown> = (error: Error | null | undefined, answer?: T) => void;

function asked<T>(signal: AbortSignal, ask: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    ask((error, answer) => {
      signal.removeEventListener('abort', stop);
      if (error) reject(error);
      else resolve(answer as T);
    });
  });
}

/**
 * @param path must not be there; only its owner may read it
 * @param signal also aborts when the connection ends, as the library leaves callbacks uncalled then
 */
export async function upload(
  sftp: SFTPWrapper,
  path: string,
  content: HostContent,
  signal: AbortSignal,
): Promise<Upload> {
  const hash = createHash('sha256');
  const handle = await asked<Buffer>(signal, (done) =>
    sftp.open(path, 'wx', { mode: 0o600 }, done),
  );
  try {
    await send(sftp, handle, content, signal, (piece) => hash.update(piece));
    const isSynced = await sync(sftp, handle, signal);
    return { digest: hash.digest('hex'), isSynced };
  } finally {
    if (!signal.aborted)
      await asked(signal, (done) => sftp.close(handle, done)).catch(() => undefined);
    else sftp.close(handle, () => undefined);
  }
}

async function send(
  sftp: SFTPWrapper,
  handle: Buffer,
  content: HostContent,
  signal: AbortSignal,
  seen: (piece: Uint8Array) => void,
): Promise<void> {
  const inFlight = new Set<Promise<unknown>>();
  let position = 0;
  try {
    for await (const piece of piecesOf(content, signal)) {
      seen(piece);
      for (let at = 0; at < piece.length; at += REQUEST_BYTES) {
        const part = Buffer.from(piece.subarray(at, at + REQUEST_BYTES));
        const start = position;
        position += part.length;
        const sent = asked(signal, (done) => sftp.write(handle, part, 0, part.length, start, done));
        const counted = sent.finally(() => inFlight.delete(counted));
        // Heard below, where it is waited for.
        counted.catch(() => undefined);
        inFlight.add(counted);
        if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
      }
    }
    await Promise.all(inFlight);
  } finally {
    await Promise.allSettled(inFlight);
  }
}

async function sync(sftp: SFTPWrapper, handle: Buffer, signal: AbortSignal): Promise<boolean> {
  try {
    await asked(signal, (done) => sftp.ext_openssh_fsync(handle, done));
    return true;
  } catch (error) {
    signal.throwIfAborted();
    // The library throws before it asks where the server did not offer it.
    if (error instanceof Error && /does not support/.test(error.message)) return false;
    throw error;
  }
}

/** Replaces `to`, as rename(2) does. False: the server cannot. */
export async function posixRename(
  sftp: SFTPWrapper,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await asked(signal, (done) => sftp.ext_openssh_rename(from, to, done));
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && /does not support/.test(error.message)) return false;
    throw error;
  }
}
