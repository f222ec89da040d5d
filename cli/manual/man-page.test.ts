// Manual pages: one of each command, and groff takes all of them without a warning.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { needs } from '#test/support/missing-part.ts';
import { COMMANDS } from '../command-table.ts';
import { describeCommands } from './described-command.ts';
import { manPages } from './man-page.ts';

const pages = manPages(await describeCommands(COMMANDS), '1.2.3');

test('there is a page of each command, with its flags, and one of the program', () => {
  assert.equal(pages.length, COMMANDS.size + 1);
  const join = pages.find(({ file }) => file === 'windlass-node-join.1')?.text ?? '';
  assert.match(join, /^\.TH WINDLASS\\-NODE\\-JOIN 1 "" "windlass 1\.2\.3" "Windlass"$/m);
  assert.match(join, /^\.B windlass node join URL \\-\\-token TOKEN$/m);
  assert.match(join, /^\.B \\-\\-data\\-dir DIR$/m);
  assert.match(join, /^\.BR windlass\\-node\\-drain \(1\)/m);
  assert.match(pages[0]?.text ?? '', /^\.B node join\nLet this machine into a cluster/m);
});

test('text that looks like a request of roff is shown as it is', () => {
  const summary = String.raw`.so /etc/passwd \n`;
  const [, page] = manPages([{ name: 'a', help: { usage: 'a', summary }, options: {} }], '1');
  assert.match(page?.text ?? '', /^windlass\\-a \\- \\&\.so \/etc\/passwd \\en$/m);
});

const groff = spawnSync('groff', ['--version']).status === 0 ? undefined : 'no groff here';
test('groff warns of nothing', needs(groff), () => {
  const input = pages.map(({ text }) => text).join('');
  const result = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-z'], { input, encoding: 'utf8' });
  assert.deepEqual([result.status, result.stderr], [0, '']);
});
