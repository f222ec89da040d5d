import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '#test/support/temp-dir.ts';
import { parseOptions } from './options.ts';
import type { OptionTable } from './options.ts';
import { UsageError } from './usage-error.ts';

const table = {
  'data-dir': { type: 'string', placeholder: 'DIR', default: '.windlass', help: '' },
  key: { type: 'string', placeholder: 'KEY', help: '' },
  port: {
    type: 'integer',
    placeholder: 'PORT',
    minimum: 0,
    maximum: 65_535,
    default: 6443,
    help: '',
  },
  manifests: { type: 'list', placeholder: 'PATH', help: '' },
  runtime: { type: 'choice', choices: ['process', 'docker'], default: 'process', help: '' },
  'no-node': { type: 'boolean', help: '' },
} as const satisfies OptionTable;

const defaults = {
  'data-dir': '.windlass',
  key: undefined,
  port: 6443,
  manifests: [],
  runtime: 'process',
  'no-node': false,
};

test('parseOptions() gives the defaults where nothing is said', () => {
  assert.deepEqual(parseOptions(table, [], {}), { values: defaults, positionals: [], help: false });
});

test('parseOptions() reads flags with and without =, repeated lists, words, and --', () => {
  const argv = ['a', '--port=0', '--manifests', 'x', '--no-node', '--manifests=y', '--', '--port'];
  const { values, positionals } = parseOptions(table, argv, {});
  assert.deepEqual(values, { ...defaults, port: 0, manifests: ['x', 'y'], 'no-node': true });
  assert.deepEqual(positionals, ['a', '--port']);
});

test('parseOptions() takes the flag before the environment, that before the file, that before the default', () => {
  const file = join(tempDir(), 'windlass.yaml');
  writeFileSync(file, 'port: 1\ndata-dir: from-file\nmanifests: [f, g]\nno-node: true\n');
  const environment = { WINDLASS_PORT: '2', WINDLASS_MANIFESTS: 'e1, e2', WINDLASS_CONFIG: file };
  assert.deepEqual(parseOptions(table, ['--port', '3'], environment).values, {
    ...defaults,
    port: 3,
    'data-dir': 'from-file',
    manifests: ['e1', 'e2'],
    'no-node': true,
  });
  assert.equal(parseOptions(table, [], environment).values.port, 2);
  assert.equal(parseOptions(table, ['--config', file], {}).values.port, 1);
});

test('parseOptions() reads the configuration file as JSON too', () => {
  const file = join(tempDir(), 'windlass.json');
  writeFileSync(file, '{"manifests": "one", "runtime": "docker"}');
  const { values } = parseOptions(table, ['--config', file], {});
  assert.deepEqual(values.manifests, ['one']);
  assert.equal(values.runtime, 'docker');
});

test('parseOptions() shows help whatever the rest says', () => {
  assert.equal(parseOptions(table, ['--help', '--config', '/nowhere'], {}).help, true);
  assert.equal(parseOptions(table, ['-h'], {}).help, true);
});

const WRONG: readonly (readonly [
  what: string,
  argv: readonly string[],
  environment: Record<string, string>,
  message: RegExp,
])[] = [
  ['a misspelt flag', ['--prot=1'], {}, /unknown flag --prot; did you mean --port\?/],
  ['an unknown flag', ['--zzz'], {}, /unknown flag --zzz; allowed are --config, --data-dir, /],
  ['an unknown short flag', ['-x'], {}, /unknown flag -x/],
  ['a flag without its value', ['--port'], {}, /--port needs a value and none was given/],
  ['a flag with an empty value', ['--data-dir='], {}, /--data-dir needs a value/],
  [
    'a flag in the place of a value',
    ['--data-dir', '--port'],
    {},
    /next word is --port; write --data-dir=--port/,
  ],
  [
    'a port that is a word',
    ['--port', 'http'],
    {},
    /--port must be a whole number from 0 to 65535, found "http"/,
  ],
  ['a port out of range', ['--port', '65536'], {}, /--port must be .* found "65536"/],
  ['a negative port', ['--port=-1'], {}, /--port must be .* found "-1"/],
  ['a port with a fraction', ['--port', '1.5'], {}, /found "1.5"/],
  [
    'a choice there is not',
    ['--runtime', 'podman'],
    {},
    /--runtime must be one of process, docker, found "podman"/,
  ],
  [
    'a boolean with a value',
    ['--no-node=maybe'],
    {},
    /--no-node must be true or false, found "maybe"/,
  ],
  [
    'a wrong variable',
    [],
    { WINDLASS_PORT: 'tcp://10.0.0.1:443' },
    /WINDLASS_PORT must be .* found "tcp:/,
  ],
  [
    'no such configuration file',
    ['--config', '/nowhere/x'],
    {},
    /--config \/nowhere\/x cannot be read: ENOENT/,
  ],
  [
    'a flag named like a property of all objects',
    ['--constructor'],
    {},
    /unknown flag --constructor/,
  ],
];

for (const [what, argv, environment, message] of WRONG) {
  test(`parseOptions() refuses ${what}`, () => {
    assert.throws(
      () => parseOptions(table, argv, environment),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

const WRONG_FILES: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ['a misspelt key', 'prot: 1', /unknown key "prot"; did you mean port\?/],
  ['an unknown key', 'zzz: 1', /unknown key "zzz"; allowed are data-dir, key/],
  ['a wrong value', 'port: high', /config: port must be a whole number .* found "high"/],
  ['a list for one value', 'port: [1]', /config: port must be one value, found \[1\]/],
  ['a mapping in a list', 'manifests: [{a: 1}]', /manifests must be a string or a list of strings/],
  ['no mapping', '- a', /must hold a mapping/],
  ['what does not parse', 'a: [', /is neither YAML nor JSON/],
];

for (const [what, text, message] of WRONG_FILES) {
  test(`parseOptions() refuses a configuration file with ${what}`, () => {
    const file = join(tempDir(), 'config');
    writeFileSync(file, text);
    assert.throws(
      () => parseOptions(table, ['--config', file], {}),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test('parseOptions() knows the short form of a flag, and names it as it was written', () => {
  const short = {
    file: { type: 'list', short: 'f', placeholder: 'PATH', help: '' },
    yes: { type: 'boolean', short: 'y', help: '' },
  } as const satisfies OptionTable;
  const { values } = parseOptions(short, ['-f', 'a', '-fb', '-y', '--file=-', '-f', '-'], {});
  assert.deepEqual(values, { file: ['a', 'b', '-', '-'], yes: true });
  assert.throws(() => parseOptions(short, ['-f'], {}), /^UsageError: -f needs a value/);
  assert.throws(() => parseOptions(short, ['-x'], {}), /unknown flag -x/);
});
