// The scripts that shells complete with, in the shells themselves.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs } from '#test/support/missing-part.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { COMMANDS } from '../command-table.ts';
import { bashCompletion } from './bash-completion.ts';
import { completionPlaces } from './completion-words.ts';
import { describeCommands } from './described-command.ts';
import { fishCompletion } from './fish-completion.ts';
import { zshCompletion } from './zsh-completion.ts';

const places = completionPlaces(await describeCommands(COMMANDS));

/** What is typed, where the last word is the one at the cursor, and what the shell then offers; files are the shell's own. */
const CASES: readonly (readonly [typed: readonly string[], offered: readonly string[]])[] = [
  [['rol'], ['rollback']],
  [
    ['node', ''],
    ['cordon', 'drain', 'join', 'kubeconfig', 'remove', 'run', 'uncordon'],
  ],
  [['artifact', 'bundle', 'c'], ['create']],
  [
    ['completion', ''],
    ['bash', 'fish', 'zsh'],
  ],
  [['up', '--runt'], ['--runtime']],
  [
    ['up', '--runtime', ''],
    ['auto', 'docker', 'process'],
  ],
  [
    ['up', '--log-format', ''],
    ['json', 'text'],
  ],
  // Of the flag that a word belongs to, nothing is known; so nothing is offered, and no command either.
  [['up', '--port', ''], []],
  [['rollback', 'completion', 'b'], []],
  [['node', 'join', '--tok'], ['--token']],
];

/** In a folder without files, so that none is offered. */
function shell(name: string, script: string): string {
  const options = { encoding: 'utf8', cwd: tempDir() } as const;
  const { status, stdout, stderr } = spawnSync(name, ['-c', script], options);
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return stdout;
}

function missing(name: string): string | undefined {
  return spawnSync(name, ['-c', 'true']).status === 0 ? undefined : `no ${name} on this machine`;
}

/** A file with the script, for `source`. */
function written(script: string): string {
  const file = join(tempDir(), 'completion');
  writeFileSync(file, script);
  return file;
}

test('bash offers commands, flags and their values', () => {
  const file = written(bashCompletion(places));
  for (const [typed, offered] of CASES) {
    const words = ['windlass', ...typed].map((word) => `'${word}'`).join(' ');
    const script = `source ${file}; COMP_WORDS=(${words}); COMP_CWORD=${typed.length}; _windlass; printf '%s\\n' "\${COMPREPLY[@]}"`;
    assert.deepEqual(linesOf(shell('bash', script)), offered, typed.join(' '));
  }
  const script = `source ${file}; COMP_WORDS=(windlass up --runtime = d); COMP_CWORD=4; _windlass; echo "\${COMPREPLY[@]}"`;
  assert.equal(shell('bash', script), 'docker\n');
});

test('zsh offers the same, with what each does', needs(missing('zsh')), () => {
  const file = written(zshCompletion(places));
  // In place of the completion system, which there is only in a terminal: it prints what begins with the word at the cursor.
  const stubs = `compdef() { : }; _files() { : }; compset() { PREFIX=\${PREFIX#*=} }
    offer() { local one; for one in "$@"; do [[ \${one%%:*} == \${PREFIX}* ]] && print -r -- \${one%%:*}; done; return 0 }
    _describe() { offer \${(P)2} }; compadd() { shift; offer "$@" }`;
  for (const [typed, offered] of CASES) {
    const words = ['windlass', ...typed].map((word) => `'${word}'`).join(' ');
    const call = `words=(${words}); CURRENT=${typed.length + 1}; PREFIX=$words[-1]; _windlass; true`;
    const script = `${stubs}\nsource ${file}\n${call}`;
    assert.deepEqual(linesOf(shell('zsh', script)), offered, typed.join(' '));
  }
});

test('fish offers the same, with what each does', needs(missing('fish')), () => {
  const file = written(fishCompletion(places));
  for (const [typed, offered] of CASES) {
    const line = ['windlass', ...typed].join(' ');
    const found = linesOf(shell('fish', `source ${file}; complete -C '${line}'`));
    assert.deepEqual(
      found.map((one) => one.split('\t')[0]).filter((one) => one !== '--config'),
      offered,
      line,
    );
  }
});

/** Lines in the order of the alphabet. */
function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .toSorted();
}
