// Reads what a source file imports: static, type-only, dynamic, re-exports, and modules that a worker is started with.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

export interface SourceFile {
  /** From the root of the project, with slashes: `controlplane/http/server.ts`. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** Path of a file of ours, or the name of a package or `node:` module without what follows it. */
  readonly target: string;
  readonly isOurs: boolean;
  /** Gone when the types are stripped. */
  readonly isTypeOnly: boolean;
  readonly line: number;
}

const PATTERN =
  /\b(?:import|export)\s(?:[^;'"`()]*?\sfrom\s*)?'([^'\n]+)'|\bimport\s*\(\s*'([^'\n]+)'\s*\)|new URL\(\s*'([^'\n]+\.ts)',\s*import\.meta\.url\s*\)/g;

/** In order; comments do not count. */
export function importsOf(file: SourceFile): readonly Import[] {
  const code = withoutComments(file.text);
  return [...code.matchAll(PATTERN)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    const line = code.slice(0, match.index).split('\n').length;
    const isTypeOnly = /^(import|export)\s+type\s/.test(match[0]);
    return { ...resolve(file.path, specifier), isTypeOnly, line };
  });
}

function resolve(from: string, specifier: string): Pick<Import, 'target' | 'isOurs'> {
  if (specifier.startsWith('.'))
    return { target: posix.join(posix.dirname(from), specifier), isOurs: true };
  if (specifier.startsWith('#')) return { target: specifier.slice(1), isOurs: true };
  if (specifier.startsWith('node:')) return { target: specifier, isOurs: false };
  const parts = specifier.split('/');
  const name = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
  return { target: name, isOurs: false };
}

/** Line comments at the start of a line or after code, and block comments, as blanks: lines keep their numbers. */
export function withoutComments(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
    .replaceAll(/(^|\s)\/\/[^\n]*/g, '$1');
}

const FOLDERS = [
  'cli',
  'platform',
  'persistence',
  'controlplane',
  'controllers',
  'test',
  'bench',
  'scripts',
];

/** Every TypeScript file of the project. */
export function sourceFiles(root: string): readonly SourceFile[] {
  return FOLDERS.flatMap((folder) => {
    let names: readonly string[];
    try {
      names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
    } catch {
      return [];
    }
    return names
      .filter((name) => name.endsWith('.ts'))
      .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
      .toSorted();
  }).map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

export const projectRoot: string = dirname(dirname(import.meta.dirname));
