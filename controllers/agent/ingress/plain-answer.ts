// The short answers that the proxy gives itself: plain text that says what is wrong, and nothing about what is behind it.
import type { ServerResponse } from 'node:http';

export function answerPlain(
  response: ServerResponse,
  status: number,
  title: string,
  why: string,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = `${status} ${title}: ${why}\n`;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 503 ? { 'retry-after': '1' } : {}),
  });
  response.end(body);
}
