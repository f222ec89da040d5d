// Arguments of `k0s install`: compared by what they mean, whatever the quoting, the order or `=` or a space. Pure.

/**
 * Words of an argument as a shell splits it.
 *
 * @throws Error for quotes that do not end
 */
export function splitWords(text: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (character === '\\' && quote !== "'") {
      index += 1;
      word = (word ?? '') + text.charAt(index);
    } else if (quote !== '') {
      if (character === quote) quote = '';
      else word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + character;
  }
  if (quote !== '')
    throw new Error(
      `spec.distributionOptions.flags: unbalanced quotes in ${JSON.stringify(text)}: close the ${quote}`,
    );
  if (word !== undefined) words.push(word);
  return words;
}

/** Flag → its values, in order; `--debug` alone is `true`. */
export type Flags = ReadonlyMap<string, readonly string[]>;

/** @throws Error for quotes that do not end */
export function parseFlags(flags: readonly string[]): Flags {
  const words = flags.flatMap(splitWords);
  const result = new Map<string, string[]>();
  for (let index = 0; index < words.length; index += 1) {
    const [, name, value] = /^(--?[^=]+)(?:=(.*))?$/s.exec(words[index] ?? '') ?? [];
    if (name === undefined) continue;
    const next = words[index + 1];
    const isSeparate = value === undefined && next !== undefined && !next.startsWith('-');
    if (isSeparate) index += 1;
    const all = result.get(name) ?? [];
    all.push(value ?? (isSeparate ? next : 'true'));
    result.set(name, all);
  }
  return result;
}

/** Names of flags of which one side has other values than the other, sorted. */
export function changedFlags(wanted: Flags, present: Flags): readonly string[] {
  const names = new Set([...wanted.keys(), ...present.keys()]);
  return [...names]
    .filter((name) => JSON.stringify(wanted.get(name)) !== JSON.stringify(present.get(name)))
    .toSorted((left, right) => (left < right ? -1 : 1));
}
