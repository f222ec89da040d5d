// JSON.parse with errors fit for clients and logs: V8's quote the text, which may be a Secret's.
import { badRequest } from '../errors.ts';

/** @throws ApiError 400 that says where the text stops being JSON, where that is known */
export function parseJSONText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = /at position \d+/.exec((error as Error).message)?.[0];
    const where = position ?? (text.trim() === '' ? 'it is empty' : 'unexpected character or end');
    throw badRequest(`the body of the request is not JSON: ${where}`);
  }
}
