// Whether an answer is one that a server may give to whatever it was asked: never 500, and every refusal a Status.
import type { FuzzRequest } from './random-request.ts';

export interface FuzzAnswer {
  readonly code: number;
  readonly type: string;
  readonly body: Buffer;
}

/** What is 500 or 504 upstream too. */
const WANTED = [
  // A read at a resourceVersion that the server does not reach within some seconds.
  'Too large resource version',
  // An apply of what the schema does not know.
  'failed to create typed patch object',
  'failed to create manager for existing fields',
];

/** What is wrong with it; undefined for nothing. */
export function problemOf(
  request: FuzzRequest,
  { code, type, body }: FuzzAnswer,
): string | undefined {
  if (code < 400 || request.method === 'HEAD') return undefined;
  const text = body.toString();
  if (code >= 500 && code !== 503 && !WANTED.some((words) => text.includes(words))) {
    return `${code} ${text.slice(0, 600)}`;
  }
  if (type.startsWith('application/vnd.kubernetes.protobuf')) {
    return body.subarray(0, 4).equals(Buffer.from('k8s\0')) ? undefined : 'no protobuf';
  }
  if (type.startsWith('application/yaml')) {
    return /^kind: Status$/m.test(text) ? undefined : `${code} no Status: ${text.slice(0, 200)}`;
  }
  // A path of nothing, as upstream.
  if (code === 404 && type.startsWith('text/plain')) return undefined;
  return isStatus(text, code)
    ? undefined
    : `${code} ${type} no Status: ${text.slice(0, 300)} (${request.method})`;
}

function isStatus(text: string, code: number): boolean {
  try {
    const status = JSON.parse(text) as Record<string, unknown>;
    return (
      status['kind'] === 'Status' &&
      status['status'] === 'Failure' &&
      status['code'] === code &&
      typeof status['message'] === 'string'
    );
  } catch {
    return false;
  }
}
