// Which program a command of a local-dir host means. Programs that lie in the folder are the host's own. Of this machine's only a few
// that work on files are lent, and absolute paths in their arguments are those of the host.
import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HostCommandError } from '../host-errors.ts';
import { realPath } from './root-path.ts';

const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Lent: none of them runs other programs or talks to other machines. */
const TOOLS: ReadonlySet<string> = new Set(
  (
    'cat chmod chown cp df du echo false gunzip gzip head id install ln ls mkdir mktemp mv printf readlink rm rmdir sha256sum ' +
    'sleep stat sync tail tar test touch true uname wc xz zstd'
  ).split(' '),
);

/** They work on a link itself. */
const ON_LINKS: ReadonlySet<string> = new Set([
  'ln',
  'ls',
  'mv',
  'readlink',
  'rm',
  'rmdir',
  'stat',
]);

export interface FoundProgram {
  readonly program: string;
  readonly args: readonly string[];
}

/** PATH of what runs there: the folder's own programs, then those of this machine that they are made of (sh, cat, …). */
export function searchPath(root: string): string {
  return [...FOLDERS.map((folder) => join(root, folder)), ...FOLDERS].join(':');
}

/** A program that lies in the folder, as a real path; undefined where there is none. */
export async function ownProgram(root: string, program: string): Promise<string | undefined> {
  const candidates = program.includes('/')
    ? [program]
    : FOLDERS.map((folder) => `${folder}/${program}`);
  for (const candidate of candidates) {
    const path = await realPath(root, candidate, true);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

/** Undefined: the host has no such program. @throws HostCommandError for paths that lead out of the folder */
export async function findProgram(
  root: string,
  [program, ...args]: readonly [string, ...string[]],
): Promise<FoundProgram | undefined> {
  const own = await ownProgram(root, program);
  if (own !== undefined) return { program: own, args };
  const folder = FOLDERS.find((start) => program.startsWith(`${start}/`)) ?? '';
  const name = folder === '' ? program : program.slice(folder.length + 1);
  if (!TOOLS.has(name)) return undefined;
  return { program: name, args: await realArguments(root, name, args) };
}

async function realArguments(
  root: string,
  tool: string,
  args: readonly string[],
): Promise<readonly string[]> {
  if (tool === 'echo' || tool === 'printf') return args;
  // The target of a symbolic link is text that the host reads later.
  const isLink = tool === 'ln' && args.some((arg) => /^(-[a-z]*s[a-z]*|--symbolic)$/.test(arg));
  const first = args.findIndex((arg) => !arg.startsWith('-'));
  return Promise.all(
    args.map(async (arg, index) =>
      isLink && index === first ? arg : await realArgument(root, arg, !ON_LINKS.has(tool)),
    ),
  );
}

/** `/path` and `--option=/path` become real paths; what could lead out is refused. */
async function realArgument(root: string, arg: string, followLast: boolean): Promise<string> {
  const at = arg.startsWith('/') ? 0 : /^--?[\w-]+=\//.test(arg) ? arg.indexOf('/') : -1;
  if (at === -1) return relativeArgument(root, arg);
  const path = arg.slice(at);
  const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  return arg.slice(0, at) + (await realPath(root, plain, followLast));
}

/** Relative to the root, where the tool runs; only checked, as it may be a mode, a number or a name in an archive. */
async function relativeArgument(root: string, arg: string): Promise<string> {
  if (arg === '' || arg.startsWith('-') || !/^[^/\0]+(\/[^/\0]+)*$/.test(arg) || arg === '.')
    return arg;
  const real = await realPath(root, `/${arg}`, true);
  if (real === join(root, arg)) return arg;
  throw new HostCommandError(
    `argument ${JSON.stringify(arg)}: leads over a link; name the absolute path`,
  );
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
