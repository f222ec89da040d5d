// The header with which a registry asks for credentials (RFC 9110, 11.6.1), and where it may send us for a token. Pure.

export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Longer headers are not looked at: no registry needs them. */
const LONGEST_HEADER = 8192;
const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;

/** All challenges of a `WWW-Authenticate` header, as far as it can be understood. */
export function parseChallenges(header: string): readonly Challenge[] {
  if (header.length > LONGEST_HEADER) return [];
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(header)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  for (;;) {
    take(/[\s,]+/y);
    if (at >= header.length) return challenges;
    const word = take(TOKEN);
    if (word === undefined) return challenges;
    const before = at;
    take(/[ \t]*/y);
    const current = challenges.at(-1);
    if (header[at] !== '=' || current === undefined) {
      at = before;
      challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
      continue;
    }
    at += 1;
    take(/[ \t]*/y);
    const quoted = take(/"(?:[^"\\]|\\.)*"/y);
    const value = quoted === undefined ? take(TOKEN) : unquote(quoted);
    if (value === undefined) return challenges;
    if (!current.parameters.has(word.toLowerCase()))
      current.parameters.set(word.toLowerCase(), value);
  }
}

function unquote(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/g, '$1');
}

/** The challenge that we can answer; Bearer before Basic, as other clients. */
export function chooseChallenge(header: string): Challenge | undefined {
  const challenges = parseChallenges(header);
  return ['bearer', 'basic']
    .map((scheme) => challenges.find((challenge) => challenge.scheme === scheme))
    .find((challenge) => challenge !== undefined);
}
