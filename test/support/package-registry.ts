// A package registry of this machine: it has what is installed in this checkout, and the packages of a test. npm then installs as
// from any other, without a network, and gets the versions that are tested here.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createGzip } from 'node:zlib';
import { projectRoot } from './windlass.ts';

/** What `npm pack` made. */
export interface PackedPackage {
  /** Its package.json. */
  readonly manifest: object;
  /** Path of a `.tgz`. */
  readonly archive: string;
}
interface LockEntry {
  readonly version: string;
  readonly dev?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
}
interface PackageVersion {
  readonly manifest: Readonly<Record<string, unknown>>;
  /** A folder, or a file that ends in `.tgz`; absent: this machine is not one that the package is for. */
  readonly source: string | undefined;
}

/** Name → version → what there is of it. */
type Stock = Map<string, Map<string, PackageVersion>>;

/**
 * @param packages by name; each is the only version of its name
 * @returns the URL, for npm's `registry`
 */
export async function startPackageRegistry(
  t: Pick<TestContext, 'after'>,
  packages: Readonly<Record<string, PackedPackage>>,
): Promise<string> {
  const stock = installedPackages();
  for (const [name, { manifest, archive }] of Object.entries(packages)) {
    const own = { ...manifest } as Readonly<Record<string, unknown>>;
    stock.set(name, new Map([[String(own['version']), { manifest: own, source: archive }]]));
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '/').slice(1));
    const archive = /^(.+)\/-\/([^/]+)\.tgz$/.exec(path);
    if (archive === null) sendNames(response, stock, path, url);
    else sendArchive(response, stock.get(archive[1] ?? '')?.get(archive[2] ?? '')?.source);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.after(() => {
    server.closeAllConnections();
    return new Promise<void>((done) => void server.close(() => done()));
  });
  return url;
}

/** Everything of the lock file that is not for developers alone. */
function installedPackages(): Stock {
  const stock: Stock = new Map();
  const lock = JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockEntry>>;
  };
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '' || entry.dev === true) continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const folder = join(projectRoot, path);
    const file = join(folder, 'package.json');
    const isThere = existsSync(file);
    const manifest = isThere
      ? (JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, unknown>>)
      : { name, ...entry };
    const versions = stock.get(name) ?? new Map<string, PackageVersion>();
    versions.set(entry.version, { manifest, source: isThere ? folder : undefined });
    stock.set(name, versions);
  }
  return stock;
}

function sendNames(response: ServerResponse, stock: Stock, name: string, url: string): void {
  const versions = stock.get(name);
  if (versions === undefined) {
    response.writeHead(404).end();
    return;
  }
  const described = [...versions].map(([version, { manifest, source }]) => {
    const tarball = `${url}/${name}/-/${version}.tgz`;
    const isArchive = source?.endsWith('.tgz') === true;
    const integrity = isArchive
      ? {
          integrity: `sha512-${createHash('sha512').update(readFileSync(source)).digest('base64')}`,
        }
      : {};
    return [version, { ...manifest, dist: { tarball, ...integrity } }] as const;
  });
  const latest = [...versions.keys()].toSorted(newestFirst)[0];
  const body = { name, 'dist-tags': { latest }, versions: Object.fromEntries(described) };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function newestFirst(left: string, right: string): number {
  return right.localeCompare(left, 'en', { numeric: true });
}

function sendArchive(response: ServerResponse, source: string | undefined): void {
  if (source === undefined) {
    response.writeHead(404).end();
    return;
  }
  if (source.endsWith('.tgz')) {
    response.end(readFileSync(source));
    return;
  }
  const names = ['--exclude=./node_modules', '--transform=s,^\\.,package,', '-C', source, '.'];
  const tar = spawn('tar', ['-cf', '-', ...names], { stdio: ['ignore', 'pipe', 'inherit'] });
  // Not compressed: it goes nowhere, and processors are what the tests lack.
  tar.stdout.pipe(createGzip({ level: 0 })).pipe(response);
}
