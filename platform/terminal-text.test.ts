// Names that would draw on the terminal of whoever lists them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { terminalJSON, terminalLine, terminalText } from './terminal-text.ts';

const HOSTILE = 'a\u001b[2J\u001b]0;owned\u0007\rb\u009b31m\u202ecod.exe\u2028x\u0000';

test('terminalText() shows commands of a terminal and leaves all else alone', () => {
  assert.equal(
    terminalText(HOSTILE),
    String.raw`a\x1b[2J\x1b]0;owned\x07\x0db\x9b31m\u202ecod.exe\u2028x\x00`,
  );
  const harmless = 'grün/日本\n\tfamily 👩‍👩‍👧';
  assert.equal(terminalText(harmless), harmless);
});

test('terminalLine() stays on its line', () => {
  assert.equal(terminalLine('a\nb\tc\u001b'), String.raw`a\nb\tc\x1b`);
});

test('terminalJSON() means the same', () => {
  const value = { name: HOSTILE, lines: 'a\nb' };
  for (const text of [
    JSON.stringify(value),
    `{"name":\r\n"a\u009b1m\u202e"}`,
    JSON.stringify(value, undefined, 2),
  ]) {
    const shown = terminalJSON(text);
    assert.deepEqual(JSON.parse(shown), JSON.parse(text));
    assert.equal(terminalText(shown), shown);
  }
});
