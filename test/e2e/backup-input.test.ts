// Wrong use of the commands about what keeps the state.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '#test/support/temp-dir.ts';
import { windlass } from '#test/support/windlass-command.ts';

test('bad input is told with the flag and an exit code', async () => {
  const folder = tempDir();
  const text = join(folder, 'text');
  writeFileSync(text, 'hello\n');
  const there = join(folder, 'there');
  copyFileSync(text, there);
  const absent = join(folder, 'absent');
  const cases: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
    [['backup', 'create'], 2, /--to/],
    [['backup', 'create', '--to', 'ftp:x'], 2, /ftp: is not known/],
    [['backup', 'create', '--to', there, '--from', text], 2, /--from must be the URL/],
    [['backup', 'create', '--to', there, '--from', `sqlite:${absent}`], 1, /no such place/],
    [['backup', 'create', '--to', there, '--data-dir', absent], 1, /no such place/],
    [['backup', 'create', '--to', there, '--kubeconfig', absent], 1, /no kubeconfig/],
    [['backup', 'create', '--to', there, '--from', `sqlite:${text}`], 1, /text/],
    [['backup', 'create', '--from', 'x', '--to', there, '--instance', 'y'], 2, /--instance/],
    [['backup', 'verify'], 2, /BACKUP is missing/],
    [['backup', 'verify', text], 1, /not a backup/],
    [['backup', 'verify', absent], 1, /ENOENT/],
    [['restore', '--to', 'sqlite:x'], 2, /--from/],
    [['restore', '--from', text], 2, /--to/],
    [['restore', '--from', text, '--to', text], 2, /--to must be the URL/],
    [['restore', '--from', text, '--to', `sqlite:${absent}.db`], 1, /not a backup/],
    [
      ['restore', '--from', text, '--to', `sqlite:${absent}.db`, '--revision', '0'],
      2,
      /--revision/,
    ],
    [['check', '--persistence', `sqlite:${absent}`], 1, /no such place/],
    [['migrate', '--from', 'sqlite:x'], 2, /--to/],
    [['migrate', '--from', `sqlite:${absent}`, '--to', `sqlite:${absent}.db`], 1, /no such place/],
    [['check', '--persistence', 'what'], 2, /--persistence must be the URL/],
    [['persistence', 'status', '--data-dir', absent], 1, /no such place/],
    [['persistence', 'resync'], 2, /INSTANCE is missing/],
    [['persistence', 'diff', text, absent], 2, /not a backup|ENOENT/],
    [['persistence', 'cat', 'core/pods', 'x', '--from', text], 1, /not a backup/],
    [['persistence', 'log', '--after', 'x'], 2, /--after/],
    [['persistence', 'log', '--kind', 'pods'], 2, /--kind must be GROUP\/PLURAL, .*found "pods"/],
    [['persistence', 'cat', 'pods', 'x', '--from', there], 2, /KIND must be GROUP\/PLURAL/],
    [['check', '--persistence', 'sqlite:/dev/null'], 1, /\/dev\/null: it is no regular file/],
    [['check', '--persistence', `sqlite:${folder}`], 1, /it is a folder; give the path of a file/],
  ];
  for (const [args, code, says] of cases) {
    const found = await windlass(...args);
    assert.equal(found.code, code, `${args.join(' ')}\n${found.stdout}${found.stderr}`);
    assert.match(`${found.stdout}${found.stderr}`, says, args.join(' '));
  }
  assert.equal(readFileSync(there, 'utf8'), 'hello\n');
});
