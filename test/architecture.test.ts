// The dependency rules hold. First of all: each kind of violation is noticed, because a check that cannot fail is worse than none.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderReference } from '../scripts/generate-reference.ts';
import { brokenLinks, callsIn, wrongCommands } from './architecture/documentation.ts';
import { projectRoot, sourceFiles } from './architecture/imports.ts';
import { violationsOf } from './architecture/rules.ts';

interface Planted {
  readonly what: string;
  readonly files: Readonly<Record<string, string>>;
  readonly expected: RegExp;
}

const PLANTED: readonly Planted[] = [
  {
    what: 'the registry reaching up into http',
    files: { 'controlplane/registry/a.ts': "import { x } from '../http/b.ts';" },
    expected: /registry\/a\.ts:1: may not import controlplane\/http\/b\.ts/,
  },
  {
    what: 'a type-only import counting too',
    files: {
      'controllers/service/a.ts': "\nimport type { X } from '#controlplane/api/object.ts';",
    },
    expected: /service\/a\.ts:2: may not import controlplane\/api\/object\.ts/,
  },
  {
    what: 'a dynamic import',
    files: { 'persistence/a.ts': "const x = await import('#controllers/start.ts');" },
    expected: /may not import controllers\/start\.ts/,
  },
  {
    what: 'a re-export',
    files: { 'platform/a.ts': "export { x } from '#persistence/provider.ts';" },
    expected: /may not import persistence\/provider\.ts/,
  },
  {
    what: 'an import over several lines',
    files: { 'controlplane/api/a.ts': "import {\n  x,\n  y,\n} from '../store/b.ts';" },
    expected: /may not import controlplane\/store\/b\.ts/,
  },
  {
    what: 'a worker started from elsewhere',
    files: {
      'controlplane/store/a.ts':
        "new Worker(new URL('../../persistence/sqlite/worker.ts', import.meta.url))",
    },
    expected: /may not import persistence\/sqlite\/worker\.ts/,
  },
  {
    what: 'the store using more of persistence than its waist',
    files: { 'controlplane/store/a.ts': "import { open } from '#persistence/open.ts';" },
    expected: /may not import persistence\/open\.ts/,
  },
  {
    what: 'one kind of controller importing another',
    files: { 'controllers/scheduler/a.ts': "import { x } from '../service/b.ts';" },
    expected: /may not import controllers\/service\/b\.ts/,
  },
  {
    what: 'one runtime importing another',
    files: { 'controllers/runtimes/docker.ts': "import { x } from './process-table.ts';" },
    expected: /may not import its sibling/,
  },
  {
    what: 'source importing tests',
    files: { 'platform/a.ts': "import { x } from '#test/support/b.ts';" },
    expected: /may not import test\/support\/b\.ts/,
  },
  {
    what: 'anything importing the command line',
    files: { 'controlplane/start.ts': "import { x } from '#cli/main.ts';" },
    expected: /may not import cli\/main\.ts/,
  },
  {
    what: 'a folder that the table does not know',
    files: { 'plugins/a.ts': 'export const x = 1;' },
    expected: /no row of the table/,
  },
  {
    what: 'a package away from its home',
    files: { 'controlplane/store/a.ts': "import Database from 'better-sqlite3';" },
    expected: /package better-sqlite3 belongs to persistence\/sqlite\//,
  },
  {
    what: 'a package without a home, by a path inside it',
    files: { 'platform/a.ts': "import x from '@left/pad/lib/x.js';" },
    expected: /package @left\/pad has no home/,
  },
  {
    what: 'I/O in the API rules',
    files: { 'controlplane/api/a.ts': "import { readFileSync } from 'node:fs';" },
    expected: /only computes, and may not import node:fs/,
  },
  {
    what: 'a plan that looks at the clock',
    files: { 'controllers/service/plan.ts': "import { systemClock } from '#platform/clock.ts';" },
    expected: /plan\.ts:1: only computes/,
  },
  {
    what: 'a plan that talks to the server',
    files: {
      'controllers/service/plan.ts': "import { HttpClient } from '../machinery/client.ts';",
    },
    expected: /plan\.ts:1: only computes/,
  },
  {
    what: 'the time of day',
    files: { 'controlplane/store/a.ts': '\n\nconst x = Date.now();' },
    expected: /a\.ts:3: Date\.now: take a Clock/,
  },
  {
    what: 'a date of now',
    files: { 'controlplane/store/a.ts': 'const x = new Date();' },
    expected: /new Date\(\): take a Clock/,
  },
  {
    what: 'a timer',
    files: { 'controllers/agent/a.ts': 'setTimeout(f, 1);' },
    expected: /setTimeout\(: take a Clock/,
  },
  {
    what: 'chance',
    files: { 'controllers/service/a.ts': 'const x = Math.random();' },
    expected: /Math\.random: take a random source/,
  },
  {
    what: 'a random id',
    files: { 'controlplane/http/a.ts': "import { randomUUID } from 'node:crypto';" },
    expected: /randomUUID: take an IdSource/,
  },
  {
    what: 'the environment',
    files: { 'controllers/runtimes/a.ts': 'const x = process.env;' },
    expected: /process\.env: only cli\//,
  },
  {
    what: 'a signal handler',
    files: { 'controlplane/http/a.ts': "process.on('SIGTERM', f);" },
    expected: /process\.on\(: only cli\//,
  },
  {
    what: 'a cycle between files',
    files: {
      'platform/a.ts': "import { b } from './b.ts';",
      'platform/b.ts': "import type { C } from './c.ts';",
      'platform/c.ts': "import { a } from './a.ts';",
    },
    expected: /import cycle: platform\/a\.ts → platform\/b\.ts → platform\/c\.ts/,
  },
  {
    what: 'a file that is too long',
    files: { 'platform/a.ts': 'x;\n'.repeat(401) },
    expected: /401 lines/,
  },
  {
    what: 'a barrel',
    files: { 'platform/index.ts': "export { x } from './x.ts';" },
    expected: /no barrels/,
  },
  {
    what: 'a hook for the tests of every file',
    files: { 'platform/a.test.ts': 'beforeEach(() => open());' },
    expected: /beforeEach and afterEach belong into a describe/,
  },
  {
    what: 'a folder named for nothing',
    files: { 'controlplane/utils/a.ts': 'x;' },
    expected: /named for subjects/,
  },
  {
    what: 'a default export',
    files: { 'platform/a.ts': 'export default 1;' },
    expected: /named exports only/,
  },
];

for (const { what, files, expected } of PLANTED) {
  test(`violationsOf() reports ${what}`, () => {
    const found = violationsOf(Object.entries(files).map(([path, text]) => ({ path, text })));
    assert.ok(
      found.some((line) => expected.test(line)),
      `expected ${String(expected)}, found ${JSON.stringify(found)}`,
    );
  });
}

test('violationsOf() lets pass what is allowed, and what only a comment says', () => {
  const found = violationsOf([
    {
      path: 'controlplane/store/a.ts',
      text: [
        "// import { x } from '../http/b.ts'; Date.now()",
        "/* import { y } from '#controllers/start.ts';",
        ' setTimeout(f) */',
        "import type { Clock } from '#platform/clock.ts';",
        "import { readFileSync } from 'node:fs';",
        "import { x } from '../api/errors.ts';",
        'const at = new Date(clock.now()); clock.setTimeout(f); process.exitCode = 1;',
      ].join('\n'),
    },
    { path: 'controlplane/store/a.test.ts', text: "import { z } from '#persistence/open.ts';" },
  ]);
  assert.deepEqual(found, []);
});

test('the project keeps its dependency rules', () => {
  const files = sourceFiles(projectRoot);
  assert.ok(files.length > 100, `only ${files.length} files were found`);
  assert.deepEqual(violationsOf(files), []);
});

// Here and not beside the generator, because whoever adds a flag or a page lands through this test.
test('links in the documentation lead somewhere', () => {
  assert.deepEqual(brokenLinks(), []);
});

test('commands in the documentation are commands, with flags that they have', async () => {
  const { wrong, seen } = await wrongCommands();
  assert.deepEqual(wrong, []);
  assert.ok(seen > 100, `${seen} commands`);
  const call = 'FOO=1 npx windlass rollback web --to 3 --force && windlass no such # windlass x';
  assert.deepEqual(callsIn(call), [
    ['rollback', 'web', '--to', '3', '--force'],
    ['no', 'such'],
  ]);
});

test('docs/commands.md, docs/kinds.md and docs/errors.md are what the generator writes', async () => {
  for (const [path, content] of await renderReference())
    assert.equal(
      readFileSync(join(import.meta.dirname, '..', path), 'utf8'),
      content,
      `${path} is out of date: node scripts/generate-reference.ts`,
    );
});
