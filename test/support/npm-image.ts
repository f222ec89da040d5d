// An image with Node and npm, made from this machine's own files: a stand-in for Node's image, so that images are built without a network.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { copyProgram } from './node-image.ts';

/** Where Debian keeps what its npm is made of, all of it apart. */
const DEBIAN_MODULES = ['/usr/share/nodejs', '/usr/share/npm'];
const TOOLS = ['cat', 'env', 'find', 'id', 'ls', 'mkdir', 'rm', 'sh', 'touch'];

/**
 * Imports it under `name` into the engine at `host`: `node` is the one that runs the tests, `npm` the one on the PATH with the Node that
 * it belongs to. `folder` is scratch space.
 */
export function importNpmImage(host: string, name: string, folder: string): void {
  const root = join(folder, 'npm-image');
  const ownNode = realpathSync(which('node'));
  copyProgram(root, process.execPath, '/usr/local/bin/node');
  copyProgram(root, ownNode, '/opt/npm/node');
  const program = realpathSync(which('npm'));
  // …/npm/bin/npm-cli.js
  const npm = dirname(dirname(program));
  for (const from of [npm, ...DEBIAN_MODULES].filter((path) => existsSync(path)))
    cpSync(from, join(root, from), { recursive: true, verbatimSymlinks: true });
  const script = `#!/bin/sh\nPATH=/opt/npm:$PATH exec /opt/npm/node '${program}' "$@"\n`;
  writeFileSync(join(root, 'usr/local/bin/npm'), script, { mode: 0o755 });
  for (const path of ['bin', 'tmp', 'usr/bin', 'root'])
    mkdirSync(join(root, path), { recursive: true });
  copyFileSync(which('busybox'), join(root, 'bin/busybox'));
  for (const tool of TOOLS) symlinkSync('busybox', join(root, 'bin', tool));
  symlinkSync('/bin/busybox', join(root, 'usr/bin/env'));
  const archive = join(folder, 'npm-image.tar');
  execFileSync('tar', ['-C', root, '--owner=0', '--group=0', '-cf', archive, '.']);
  const change = ['--change', 'ENV PATH=/usr/local/bin:/usr/bin:/bin'];
  execFileSync('docker', ['-H', host, 'import', ...change, archive, name], { stdio: 'ignore' });
}

function which(name: string): string {
  return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
}
