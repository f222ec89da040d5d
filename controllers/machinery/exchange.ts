// One request and its whole answer in memory. Through undici's dispatch(), because its request() makes a stream of each body, which
// costs as much processor time as everything else about a small answer.
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

export interface Exchanged {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Rejects with the signal's reason, or with what undici says of the connection. */
export function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal,
): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    let statusCode = 0;
    let headers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    let sent: Dispatcher.DispatchController | undefined;
    const onAbort = (): void => {
      reject(signal.reason as Error);
      sent?.abort(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    dispatcher.dispatch(options, {
      onRequestStart(controller) {
        sent = controller;
        // It waited for a connection, and nobody waits for it any more.
        if (signal.aborted) controller.abort(signal.reason as Error);
      },
      onResponseStart(_, code, received) {
        statusCode = code;
        headers = received;
      },
      onResponseData(_, chunk) {
        chunks.push(chunk);
      },
      onResponseEnd() {
        signal.removeEventListener('abort', onAbort);
        const [only = Buffer.alloc(0), ...more] = chunks;
        const body = more.length === 0 ? only : Buffer.concat(chunks);
        resolve({ statusCode, headers, text: body.toString() });
      },
      onResponseError(_, error) {
        signal.removeEventListener('abort', onAbort);
        reject(error);
      },
    });
  });
}
