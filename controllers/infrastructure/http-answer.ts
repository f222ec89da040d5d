// What the HTTP API of a provider answered, as far as it can be one: a page of a proxy or a portal in between says nothing about which
// nodes there are, and must never be taken for "none".
import { ProviderUnavailable } from './errors.ts';

/** Far above any page of a list. */
const MOST_BYTES = 32 * 2 ** 20;
const LONGEST_MESSAGE = 500;

/** The whole text. @throws ProviderUnavailable for one that does not end; what reading throws */
export async function textOfAnswer(provider: string, response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += piece.length;
    if (size > MOST_BYTES)
      throw new ProviderUnavailable(provider, `answered more than ${MOST_BYTES} bytes`);
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}

/** Of an answer that says that all is well; nothing is an empty object. @throws ProviderUnavailable */
export function objectInAnswer(provider: string, text: string): object {
  const found = text.trim() === '' ? {} : parsed(text);
  if (found !== undefined) return found;
  throw new ProviderUnavailable(
    provider,
    'answered with something that is no JSON: is there a proxy or a portal in between?',
  );
}

/** Of a refusal, which may be anything; undefined for what is no JSON object. */
export function objectInRefusal(text: string): object | undefined {
  return parsed(text);
}

/** Words of the other side, as long as a status can bear. */
export function shortMessage(text: string): string {
  return text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}…` : text;
}

/** A list that must be there. @throws ProviderUnavailable */
export function listInAnswer(provider: string, answer: object, key: string): readonly unknown[] {
  const list: unknown = (answer as Readonly<Record<string, unknown>>)[key];
  if (Array.isArray(list)) return list;
  throw new ProviderUnavailable(provider, `answered without the list of ${key}`);
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
