// One request and its whole answer in memory. Through undici's dispatch(), because its request() makes a stream of each body, which
// costs as much processor time as everything else about a small answer.
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Deadline } from './deadline.ts';

export interface Exchanged {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Rejects with the deadline's reason, or with what undici says of the connection. */
export function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  deadline: Deadline,
): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    if (deadline.over !== undefined) {
      reject(deadline.over.reason);
      return;
    }
    let statusCode = 0;
    let headers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    let sent: Dispatcher.DispatchController | undefined;
    deadline.onOver((reason) => {
      reject(reason);
      sent?.abort(reason as Error);
    });
    dispatcher.dispatch(options, {
      onRequestStart(controller) {
        sent = controller;
        // It waited for a connection, and nobody waits for it any more.
        if (deadline.over !== undefined) controller.abort(deadline.over.reason as Error);
      },
      onResponseStart(_, code, received) {
        statusCode = code;
        headers = received;
      },
      onResponseData(_, chunk) {
        chunks.push(chunk);
      },
      onResponseEnd() {
        sent = undefined;
        const [only = Buffer.alloc(0), ...more] = chunks;
        const body = more.length === 0 ? only : Buffer.concat(chunks);
        resolve({ statusCode, headers, text: body.toString() });
      },
      onResponseError(_, error) {
        sent = undefined;
        reject(error);
      },
    });
  });
}
