// An image with the Node that runs the tests, made from this machine's own files, so that no registry is needed.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Imports it under `name` into the engine at `host`; `folder` is scratch space. */
export function importNodeImage(host: string, name: string, folder: string): void {
  const root = join(folder, 'image');
  copyProgram(root, process.execPath, '/usr/local/bin/node');
  mkdirSync(join(root, 'tmp'), { recursive: true });
  const archive = join(folder, 'image.tar');
  execFileSync('tar', ['-C', root, '-cf', archive, '.']);
  const change = ['--change', 'ENV PATH=/usr/local/bin'];
  execFileSync('docker', ['-H', host, 'import', ...change, archive, name], { stdio: 'ignore' });
}

/** A program of this machine, with the libraries that it is linked with, below `root`. */
export function copyProgram(root: string, from: string, to: string): void {
  const libraries = execFileSync('ldd', [from], { encoding: 'utf8' });
  const paths = [...libraries.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path);
  for (const path of paths) copyInto(root, path, path);
  copyInto(root, from, to);
}

function copyInto(root: string, from: string, to: string): void {
  mkdirSync(dirname(join(root, to)), { recursive: true });
  copyFileSync(from, join(root, to));
}
