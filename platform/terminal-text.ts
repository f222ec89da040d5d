// Text of others on a terminal: names, messages and paths may hold what a terminal takes for a command, and nobody shall see a screen that
// somebody else has drawn.

/** Controls of ASCII and Latin-1 but for line feed and tab, separators of lines, and what turns the direction of writing. */
const COMMANDS =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** `\x1b` and `\u202e` in place of what they stand for. Line feeds and tabs stay. */
export function terminalText(text: string): string {
  return text.replaceAll(COMMANDS, escaped);
}

/** As terminalText(), on one line: for cells of tables and lines of logs. */
export function terminalLine(text: string): string {
  return terminalText(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

/** JSON that means the same, without what a terminal takes for a command. */
export function terminalJSON(text: string): string {
  return text.replaceAll(COMMANDS, (character) => {
    // Outside of strings JSON has none of them but carriage returns, which are white space.
    if (character === '\r') return ' ';
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}
