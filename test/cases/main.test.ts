// `npm run cases` as a command: what it prints last, and its exit codes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '#test/support/temp-dir.ts';
import { projectRoot } from '#test/support/windlass.ts';

function run(...args: readonly string[]): {
  readonly code: number | null;
  readonly lines: string[];
} {
  const script = join(projectRoot, 'test', 'cases', 'main.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    encoding: 'utf8',
  });
  return { code: status, lines: `${stdout}${stderr}`.trimEnd().split('\n') };
}

function fileOf(cases: unknown): string {
  const path = join(tempDir(), 'cases.json');
  writeFileSync(path, typeof cases === 'string' ? cases : JSON.stringify(cases));
  return path;
}

const RIGHT = {
  id: 1,
  name: 'right',
  kind: 'parse-port',
  spec: { port: '80/http' },
  expected: [{ op: 'parsed', port: { protocol: 'http', mode: 'ingress', containerPort: 80 } }],
};

test('counts what passed, what is by design and what failed', () => {
  const byDesign = {
    id: 2,
    name: 'twice',
    kind: 'resolve',
    spec: {
      name: 'web',
      container: { image: 'nginx' },
      ports: ['a.com:80/https', 'b.com:80/https'],
    },
    options: { clusterDomain: 'c.org' },
    expected: [
      {
        op: 'resolved',
        ports: ['a.com:80/https', 'b.com:80/https', 'web.c.org:80/https', 'web.c.org:80/https'],
      },
    ],
  };
  const right = run('--service-cases', fileOf([RIGHT, byDesign]));
  assert.deepEqual(right.lines.slice(-2), ['1 by design', '1 passed, 0 failed']);
  assert.equal(right.code, 0);
  const wrong = run('--service-cases', fileOf([RIGHT, { ...RIGHT, kind: 'odd' }, null]));
  assert.equal(wrong.lines.at(-1), '1 passed, 2 failed');
  assert.match(wrong.lines.join('\n'), /unknown kind "odd"/);
  assert.equal(wrong.code, 1);
});

test('cases of machines that no test names have failed, each with why; what is broken stops nothing', () => {
  const known = { id: 'ksail-040', system: 'ksail', area: 'hetzner', name: 'back-off doubles' };
  const unknown = { id: 'unheard-999', system: 'unheard', area: 'of', name: 'new to us' };
  const aws = { id: 'ksail-999', system: 'ksail', area: 'aws', name: 'another one' };
  const { code, lines } = run('--machine-cases', fileOf([unknown, known, 'odd', aws]));
  assert.deepEqual(lines.slice(-2), ['1 elsewhere', '1 passed, 2 failed']);
  assert.equal(code, 1);
  const text = lines.join('\n');
  assert.match(text, /✖ of unheard-999: new to us\n {4}no test names it\n/);
  assert.match(text, /✖ \(no area\) #3: \(no name\)\n {4}case 3: id must be a text/);
  assert.match(text, /~ aws ksail-999: another one \(No provider of ours talks to AWS/);
});

test('bad usage and files that cannot be read have exit code 2', () => {
  for (const args of [
    ['--odd'],
    ['word'],
    ['--service-cases'],
    ['--service-cases', join(tempDir(), 'missing.json')],
    ['--service-cases', tempDir()],
    ['--service-cases', fileOf('{')],
    ['--service-cases', fileOf({ a: 1 })],
  ])
    assert.equal(run(...args).code, 2, args.join(' '));
});
