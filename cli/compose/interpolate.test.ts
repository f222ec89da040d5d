import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEnvFile } from './env-file.ts';
import { interpolate } from './interpolate.ts';
import { shellWords } from './shell-words.ts';
import {
  bytesQuantity,
  cpuQuantity,
  durationText,
  parseBytes,
  parseComposeDuration,
} from './units.ts';

const variables = { A: 'a', EMPTY: '', PATH_: '/x', constructor_: 'c' };
const unset: string[] = [];
const replaced = (text: string): string =>
  interpolate(text, { variables, onUnset: (name) => void unset.push(name) });

const TEXTS: Readonly<Record<string, string>> = {
  'no variable': 'no variable',
  '$A-${A}b': 'a-ab',
  '$$A $$$A': '$A $a',
  '${EMPTY:-d} ${EMPTY-d} ${GONE:-d} ${GONE-d}': 'd  d d',
  '${A:+x} ${EMPTY:+x} ${EMPTY+x} ${GONE+x}': 'x  x ',
  '${GONE:-${EMPTY:-${A}}}': 'a',
  '${GONE:-a $$ ${A}}!': 'a $ a!',
  '${A:?no}${A?no}${EMPTY?no}': 'aa',
  '${GONE:-}': '',
  '${A:-}}': 'a}',
};
for (const [text, wanted] of Object.entries(TEXTS)) {
  test(`interpolate() makes ${JSON.stringify(wanted)} of ${text}`, () => {
    assert.equal(replaced(text), wanted);
  });
}

test('interpolate() tells of variables without a value, and refuses what is no variable', () => {
  unset.length = 0;
  assert.equal(replaced('$GONE${GONE}'), '');
  assert.deepEqual(unset, ['GONE', 'GONE']);
  for (const text of ['$', '$1', '${', '${}', '${A', '${1}', '${A!x}', '${A:x}', '${A:-${B}'])
    assert.throws(() => replaced(text), /invalid interpolation|is not closed/, text);
  assert.throws(() => replaced('${EMPTY:?is ${A}}'), /variable EMPTY is missing a value: is a$/);
  assert.throws(() => replaced('${GONE?}'), /missing a value: set it/);
  assert.throws(() => replaced(`${'${X:-'.repeat(50)}${'}'.repeat(50)}`), /nested too deeply/);
});

test('interpolate() leaves a text alone whose dollar signs are doubled', () => {
  const text = fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', ':', '-') });
  fc.assert(fc.property(text, (one) => assert.equal(replaced(one.replaceAll('$', '$$$$')), one)));
});

test('parseEnvFile() reads names, quotes, comments, and variables of earlier lines', () => {
  const text = [
    '\uFEFF# a comment',
    'PLAIN=some words # and a comment',
    'export B = c#d ',
    "SINGLE='$A \\n'",
    'DOUBLE="$A\\n\\$A" # x',
    'LINES="one',
    'two"',
    'FROM=${PLAIN}!',
    'A',
    'GONE',
    'EMPTY=',
    'YAML: style',
    '__proto__=x',
  ].join('\r\n');
  assert.deepEqual(Object.entries(parseEnvFile(text, { variables })), [
    ['PLAIN', 'some words'],
    ['B', 'c#d'],
    ['SINGLE', '$A \\n'],
    ['DOUBLE', 'a\n$A'],
    ['LINES', 'one\ntwo'],
    ['FROM', 'some words!'],
    ['A', 'a'],
    ['EMPTY', ''],
    ['YAML', 'style'],
    ['__proto__', 'x'],
  ]);
  const raw = parseEnvFile('A="$B" # c', { variables, isRaw: true });
  assert.equal(raw['A'], '"$B" # c');
});

test('parseEnvFile() names the line of what is wrong, and no value', () => {
  for (const [text, why] of [
    ['A=1\nwhat is this', /^line 2: write it as NAME=VALUE$/],
    ['A="geheim', /^line 1: A: a " is not closed$/],
    ["A='geheim' more", /^line 1: A: something follows the closing '$/],
  ] as const)
    assert.throws(() => parseEnvFile(text, { variables }), { message: why });
});

test('shellWords() reads what a shell would', () => {
  assert.deepEqual(shellWords(`a  'b c' "d \\"e\\" \\x" f\\ g '' h"i"'j'`), [
    'a',
    'b c',
    'd "e" \\x',
    'f g',
    '',
    'hij',
  ]);
  assert.deepEqual(shellWords('  \n'), []);
  assert.throws(() => shellWords('a "b'), /a " is not closed/);
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
      assert.deepEqual(shellWords(quoted.join(' ')), words);
    }),
  );
});

test('units: sizes are of 1024, durations are as Go writes them', () => {
  const sizes = ['1024', '64m', '1.5g', '512MB', '2GiB', '1t', 'x', '1 2', '-1', '1e3', ''];
  assert.deepEqual(sizes.map(parseBytes), [
    1024,
    64 * 2 ** 20,
    1.5 * 2 ** 30,
    512 * 2 ** 20,
    2 * 2 ** 30,
    2 ** 40,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual([2 ** 30, 1536 * 2 ** 20, 1000, 0].map(bytesQuantity), [
    '1Gi',
    '1536Mi',
    '1000',
    '0',
  ]);
  assert.deepEqual([1, 0.5, 1.25, 0.0001].map(cpuQuantity), ['1', '500m', '1250m', '1m']);
  assert.deepEqual(['1m30s', '2.5s', '1d', '0', '5', 's', ''].map(parseComposeDuration), [
    90_000,
    2_500,
    86_400_000,
    0,
    undefined,
    undefined,
    undefined,
  ]);
  fc.assert(
    fc.property(fc.nat(10 ** 9), (ms) => assert.equal(parseComposeDuration(durationText(ms)), ms)),
  );
});
