// Text from outside as the fields of a JSON object: of other processes, machines and people, so it may be anything.

/** Undefined for what is no JSON, and for JSON that is no object. Never throws, and never quotes the text: it may hold a secret. */
export function jsonFields(text: string): Readonly<Record<string, unknown>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
