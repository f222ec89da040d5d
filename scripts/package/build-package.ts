// Makes the folder that is packed for users: JavaScript and types of everything that runs, and the files beside it that it reads.
// A checkout runs without this; Node strips no types below node_modules, so a package has to bring JavaScript.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { COMMANDS } from '#cli/command-table.ts';
import { describeCommands } from '#cli/manual/described-command.ts';
import { manPages } from '#cli/manual/man-page.ts';
import { withJavaScriptNames } from './compiled-text.ts';
import { isCopied, isSource, PACKED_FILES, PACKED_FOLDERS } from './packed-files.ts';
import { packedManifest } from './packed-manifest.ts';
import type { Manifest } from './packed-manifest.ts';

const run = promisify(execFile);

/** Scripts in a shell's language that start files of ours. */
const SHELL_SCRIPT = /^deploy\/envtest\//;

/**
 * @param root the checkout, installed
 * @param target a folder that is made anew
 * @throws Error with what the compiler said
 */
export async function buildPackage(root: string, target: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'windlass-package-'));
  try {
    await rm(target, { recursive: true, force: true });
    const files = await filesOf(root);
    await copySources(root, work, files.filter(isSource));
    await compile(root, work, target);
    for (const path of files.filter(isCopied)) await copyFile(root, target, path);
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
    const manuals = await writeManuals(join(target, 'man'), manifest.version);
    const text = JSON.stringify({ ...packedManifest(manifest), man: manuals }, undefined, 2);
    await writeFile(join(target, 'package.json'), `${text}\n`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Paths of what may be packed. A checkout need not be a git repository, so the folders say what belongs to it. */
async function filesOf(root: string): Promise<readonly string[]> {
  const found = [...PACKED_FILES];
  for (const folder of PACKED_FOLDERS) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries)
      if (entry.isFile()) found.push(relative(root, join(entry.parentPath, entry.name)));
  }
  return found;
}

async function copySources(root: string, work: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const source = await readFile(join(root, path), 'utf8');
    await mkdir(dirname(join(work, path)), { recursive: true });
    await writeFile(join(work, path), withJavaScriptNames(source));
  }
  await cp(join(root, 'package.json'), join(work, 'package.json'));
  await symlink(join(root, 'node_modules'), join(work, 'node_modules'));
  const options = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      allowImportingTsExtensions: false,
      declaration: true,
      // The sources are checked where they are written; here they only change their form.
      noCheck: true,
      rootDir: '.',
    },
    include: ['.'],
  };
  await writeFile(join(work, 'tsconfig.json'), JSON.stringify(options));
}

async function compile(root: string, work: string, target: string): Promise<void> {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = [compiler, '-p', work, '--outDir', target];
  await run(process.execPath, args, { cwd: work }).catch((error: unknown) => {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`The package cannot be compiled:\n${stdout}${stderr}`, { cause: error });
  });
}

/** Writes all manual pages; the result names them for package.json. */
async function writeManuals(folder: string, version: string): Promise<readonly string[]> {
  const pages = manPages(await describeCommands(COMMANDS), version);
  await mkdir(folder, { recursive: true });
  for (const { file, text } of pages) await writeFile(join(folder, file), text);
  return pages.map(({ file }) => `./man/${file}`);
}

async function copyFile(root: string, target: string, path: string): Promise<void> {
  await mkdir(dirname(join(target, path)), { recursive: true });
  await cp(join(root, path), join(target, path));
  if (!SHELL_SCRIPT.test(path)) return;
  const script = await readFile(join(root, path), 'utf8');
  // Same file, same mode: only the text changes.
  await writeFile(join(target, path), script.replaceAll('main.ts', 'main.js'));
}
