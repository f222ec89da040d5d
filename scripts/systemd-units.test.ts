// The units of deploy/systemd, as systemd itself judges them.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { COMMANDS } from '#cli/command-table.ts';
import { describeCommands } from '#cli/manual/described-command.ts';
import { runCommand } from '#test/support/command.ts';
import { needs } from '#test/support/missing-part.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { root } from './generate-crds.ts';

const folder = join(root, 'deploy', 'systemd');
const names = readdirSync(folder).filter((name) => name.endsWith('.service'));

/** As `systemd-analyze security` counts, in tenths: 0 is nothing to reach, 100 all of the machine. */
const EXPOSURE: Readonly<Record<string, number>> = {
  'windlass.service': 18,
  // It starts other people's programs, and gives them their users.
  'windlass-node.service': 32,
};

/** Copies whose program is one that is there: systemd looks for it. */
function installed(): readonly string[] {
  const target = tempDir();
  return names.map((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    assert.match(text, /^ExecStart=\/usr\/local\/bin\/windlass /m);
    const path = join(target, name);
    writeFileSync(path, text.replaceAll('/usr/local/bin/windlass', '/bin/true'));
    return path;
  });
}

const analyze = await runCommand('systemd-analyze', ['--version']).then(
  () => undefined,
  () => 'no systemd-analyze here',
);

suite('the units', needs(analyze), () => {
  test('systemd has nothing to say against them', async () => {
    const result = await runCommand('systemd-analyze', ['verify', '--man=no', ...installed()]);
    // It may have something to say of units of this machine that they come after.
    const about = result.stderr.split('\n').filter((line) => line.includes('windlass'));
    assert.deepEqual([result.code, about], [0, []]);
  });

  test('they expose no more than they must', async () => {
    assert.deepEqual(names.toSorted(), Object.keys(EXPOSURE).toSorted());
    for (const path of installed()) {
      const most = EXPOSURE[path.slice(path.lastIndexOf('/') + 1)] ?? 0;
      const args = ['security', '--offline=true', `--threshold=${most}`, '--no-pager', path];
      const { code, stdout } = await runCommand('systemd-analyze', args);
      assert.equal(code, 0, stdout);
    }
  });
});

test('what they start is a command, with flags that it has', async () => {
  const commands = await describeCommands(COMMANDS);
  for (const name of names) {
    const text = readFileSync(join(folder, name), 'utf8');
    const line = /^ExecStart=\S+ (.+)$/m.exec(text)?.[1] ?? '';
    const command = commands.find((one) => line.startsWith(`${one.name} `));
    assert.ok(command, line);
    const variables = [...text.matchAll(/WINDLASS_([A-Z_]+)=/g)].map(([, one = '']) => one);
    const flags = [...line.matchAll(/--([a-z-]+)/g)].map(([, flag = '']) => flag);
    const known = Object.keys(command.options);
    // Where the server is, is a word of the command, not a flag.
    const ofVariables = variables.filter((one) => one !== 'SERVER');
    for (const flag of [
      ...flags,
      ...ofVariables.map((one) => one.toLowerCase().replaceAll('_', '-')),
    ])
      assert.ok(known.includes(flag), `${name}: ${command.name} has no --${flag}`);
  }
});
