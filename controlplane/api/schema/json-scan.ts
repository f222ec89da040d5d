// Duplicate members of JSON objects, which JSON.parse hides. Both functions are for text that JSON.parse has accepted.
// countKeys() is cheap and runs for each body; findDuplicates() runs only when its count differs from the value's.

const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** Number of members of all objects in the text, duplicates included. */
export function countKeys(text: string): number {
  let count = 0;
  let start = text.indexOf('"');
  while (start >= 0) {
    let next = endOfString(text, start);
    while (isSpace(text.charCodeAt(next))) next += 1;
    if (text.charCodeAt(next) === COLON) count += 1;
    start = text.indexOf('"', next);
  }
  return count;
}

/** Index after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (quote >= 0 && isEscaped(text, quote, start)) quote = text.indexOf('"', quote + 1);
  return quote < 0 ? text.length : quote + 1;
}

function isEscaped(text: string, quote: number, start: number): boolean {
  let slashes = 0;
  for (let i = quote - 1; i > start && text.charCodeAt(i) === BACKSLASH; i -= 1) slashes += 1;
  return slashes % 2 === 1;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

interface Frame {
  /** Members seen so far; undefined in an array. */
  readonly keys: Set<string> | undefined;
  readonly path: string;
  /** Of the member or element being read. */
  key: string;
  index: number;
}

/**
 * Paths of members that their object already has, as upstream writes them: `spec.containers[0].image`; in order of
 * appearance, each once, at most `limit`.
 */
export function findDuplicates(text: string, limit: number): string[] {
  const found = new Set<string>();
  scanMembers(text, (path, again) => {
    if (again) found.add(path());
    return found.size < limit;
  });
  return [...found];
}

/** At which place each name that `nameOf` gives to a member stands first. @param nameOf told whether its object has the member already */
export function memberOrder(
  text: string,
  nameOf: (path: string, again: boolean) => string,
): ReadonlyMap<string, number> {
  const order = new Map<string, number>();
  scanMembers(text, (path, again) => {
    const name = nameOf(path(), again);
    if (!order.has(name)) order.set(name, order.size);
    return true;
  });
  return order;
}

/** @param visit returns whether to go on */
function scanMembers(text: string, visit: (path: () => string, again: boolean) => boolean): void {
  const stack: Frame[] = [];
  let at = 0;
  while (at < text.length) {
    const top = stack.at(-1);
    switch (text[at]) {
      case '{':
      case '[':
        stack.push({
          keys: text[at] === '{' ? new Set() : undefined,
          path: top === undefined ? '' : pathOf(top),
          key: '',
          index: 0,
        });
        at += 1;
        break;
      case '}':
      case ']':
        stack.pop();
        at += 1;
        break;
      case ',':
        if (top !== undefined) top.index += 1;
        at += 1;
        break;
      case '"': {
        const end = endOfString(text, at);
        let next = end;
        while (isSpace(text.charCodeAt(next))) next += 1;
        if (text.charCodeAt(next) === COLON && top?.keys !== undefined) {
          top.key = JSON.parse(text.slice(at, end)) as string;
          if (!visit(() => pathOf(top), top.keys.has(top.key))) return;
          top.keys.add(top.key);
          next += 1;
        }
        at = next;
        break;
      }
      default:
        at += 1;
    }
  }
}

function pathOf(frame: Frame): string {
  if (frame.keys === undefined) return `${frame.path}[${frame.index}]`;
  return frame.path === '' ? frame.key : `${frame.path}.${frame.key}`;
}
