// The documentation against what is there: links lead somewhere, and commands in it are commands, with flags that they have.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { COMMANDS } from '#cli/command-table.ts';
import { describeCommands } from '#cli/manual/described-command.ts';

const root = join(import.meta.dirname, '..', '..');

const pages = ['.', 'docs', 'deploy', 'bench', 'scripts'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: folder !== '.', encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);
const textOf = new Map(pages.map((page) => [page, readFileSync(join(root, page), 'utf8')]));

interface Block {
  readonly line: number;
  readonly text: string;
}

/** Lines of fenced and of indented code; what ends in a backslash goes on in the next. */
function codeLines(text: string): readonly Block[] {
  const lines = text.split('\n');
  const found: Block[] = [];
  let fence = false;
  let joined = '';
  for (const [index, line] of lines.entries()) {
    if (/^\s*```/.test(line)) fence = !fence;
    else if (fence || line.startsWith('    ')) {
      joined += line.trim();
      if (joined.endsWith('\\')) joined = `${joined.slice(0, -1)} `;
      else {
        found.push({ line: index + 1, text: joined });
        joined = '';
      }
    }
  }
  return found;
}

/** Without code, in which brackets mean something else. */
function prose(text: string): string {
  return text
    .replaceAll(/^```.*?^```/gms, '')
    .replaceAll(/^ {4}.*$/gm, '')
    .replaceAll(/`[^`\n]*`/g, 'x');
}

/** As GitHub makes the anchor of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function anchorsIn(text: string): ReadonlySet<string> {
  const headings = text.replaceAll(/^```.*?^```/gms, '').matchAll(/^#{1,6} (.+)$/gm);
  return new Set([...headings].map(([, heading = '']) => anchorOf(heading)));
}

/** Relative links to files that are not there, or to headings that are not in them: one line for each. */
export function brokenLinks(): readonly string[] {
  const broken: string[] = [];
  for (const [page, text] of textOf)
    for (const [, target = ''] of prose(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : relative(root, join(root, dirname(page), path));
      if (!existsSync(join(root, file))) broken.push(`${page}: ${target}: no such file`);
      else if (anchor !== undefined && statSync(join(root, file)).isFile()) {
        const anchors = anchorsIn(readFileSync(join(root, file), 'utf8'));
        if (!anchors.has(anchor)) broken.push(`${page}: ${target}: no such heading`);
      }
    }
  return broken;
}

/** One line for each command in code that is none, or has not the flags that are given to it, and how many there were. */
export async function wrongCommands(): Promise<{ wrong: readonly string[]; seen: number }> {
  const commands = new Map(
    (await describeCommands(COMMANDS)).map(({ name, options }) => [name, options]),
  );
  const wrong: string[] = [];
  let seen = 0;
  for (const [page, text] of textOf)
    for (const { line, text: code } of codeLines(text))
      for (const words of callsIn(code)) {
        seen += 1;
        const name = [3, 2, 1]
          .map((length) => words.slice(0, length).join(' '))
          .find((one) => commands.has(one));
        if (name === undefined) wrong.push(`${page}:${line}: no command in: ${words.join(' ')}`);
        const options = { ...commands.get(name ?? ''), help: {}, config: {} };
        for (const flag of flagsOf(words))
          if (name !== undefined && !Object.hasOwn(options, flag))
            wrong.push(`${page}:${line}: ${name} has no --${flag}`);
      }
  return { wrong, seen };
}

/** Each `windlass …` and `npm start -- …` of a line of code, without the comment behind it. */
export function callsIn(code: string): readonly (readonly string[])[] {
  const bare = code.replace(/\s#\s.*$/, '');
  return bare.split(/&&|\|\||[|;]|\$\(/).flatMap((part) => {
    const words = part
      .replace(/^\s*\$ /, '')
      .trim()
      .split(/[\s)]+/);
    while (/^(sudo|npx|[A-Z_]+=\S*)$/.test(words[0] ?? '')) words.shift();
    if (words[0] === 'npm' && words[1] === 'start' && words[2] === '--')
      return [['up', ...words.slice(3)]];
    // `windlass 0.1.0` is what it prints, `windlass -h` names no command.
    return words[0] === 'windlass' && /^[a-z]/.test(words[1] ?? '') ? [words.slice(1)] : [];
  });
}

/** Up to `--`, behind which they are those of another program. */
function flagsOf(words: readonly string[]): readonly string[] {
  const end = words.indexOf('--');
  return (end < 0 ? words : words.slice(0, end)).flatMap(
    (word) => /^\[?--([a-z][a-z-]*)/.exec(word)?.[1] ?? [],
  );
}
