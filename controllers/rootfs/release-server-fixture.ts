// Serves releases as their publishers lay them out, small ones, for tests; counts what is asked for, and lies when told to.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Downloads } from './download-urls.ts';
import { tarOf } from './image-fixture.ts';
import type { FixtureEntry } from './image-fixture.ts';

export interface ReleaseServer extends AsyncDisposable {
  /** `GET /v1.33.5/bin/linux/amd64/kubelet` … since the start, or the last clear. */
  readonly asked: string[];
  readonly origin: string;
  /** Path → other bytes, with the digest of the right ones. */
  readonly tampered: Map<string, Buffer>;
  readonly missing: Set<string>;
  /** Everything from here. */
  readonly downloads: Downloads;
  /** Takes part in what is served: path without its first slash. */
  put(path: string, content: Buffer): void;
}

const NAMES = ['kubernetes', 'containerd', 'runc', 'cni', 'crictl'] as const;

export async function startReleases(): Promise<ReleaseServer> {
  const files = new Map<string, Buffer>();
  const tampered = new Map<string, Buffer>();
  const missing = new Set<string>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname.slice(1);
    asked.push(`${request.method ?? ''} /${path}`);
    const suffix = /\.(sha256|sha256sum)$/.exec(path)?.[0] ?? '';
    const right = files.get(suffix === '' ? path : path.slice(0, -suffix.length));
    const found = tampered.get(path) ?? (suffix === '' ? right : right && digestLine(right, path));
    if (path.endsWith('/runc.sha256sum') && !tampered.has(path)) {
      response.end(runcDigests(files, path));
    } else if (found === undefined || missing.has(path)) {
      response.writeHead(404).end();
    } else {
      response.writeHead(200, { 'content-length': found.length });
      response.end(request.method === 'HEAD' ? undefined : found);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    asked,
    origin,
    tampered,
    missing,
    downloads: Object.fromEntries(NAMES.map((name) => [name, { baseURL: `${origin}/${name}` }])),
    put: (path, content) => void files.set(path, content),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** All that a node of this version needs. */
export async function putRelease(releases: ReleaseServer, version: string): Promise<void> {
  const program = (name: string): Buffer => Buffer.from(`#!/bin/sh\necho ${name} ${version}\n`);
  for (const name of ['kubelet', 'kubectl', 'kube-proxy'])
    releases.put(`kubernetes/v${version}/bin/linux/amd64/${name}`, program(name));
  const minor = version.split('.').slice(0, 2).join('.');
  const crictl = `${minor}.0`;
  releases.put(
    `crictl/v${crictl}/crictl-v${crictl}-linux-amd64.tar.gz`,
    await archiveOf([{ name: 'crictl', text: 'crictl' }]),
  );
  releases.put(
    'containerd/v2.0.4/containerd-2.0.4-linux-amd64.tar.gz',
    await archiveOf(
      ['containerd', 'containerd-shim-runc-v2', 'ctr', 'containerd-stress'].map((name) => ({
        name: `bin/${name}`,
        text: name,
      })),
    ),
  );
  releases.put('runc/v1.1.12/runc.amd64', Buffer.from('runc'));
  releases.put(
    'cni/v1.5.1/cni-plugins-linux-amd64-v1.5.1.tgz',
    await archiveOf(
      ['./bridge', './host-local', './loopback', './portmap'].map((name) => ({ name, text: name })),
    ),
  );
}

export async function archiveOf(entries: readonly FixtureEntry[]): Promise<Buffer> {
  return gzipSync(await tarOf(entries));
}

function digestLine(content: Buffer, path: string): Buffer {
  const digest = createHash('sha256').update(content).digest('hex');
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.(sha256|sha256sum)$/, '');
  return Buffer.from(path.endsWith('.sha256sum') ? `${digest}  ${name}\n` : digest);
}

function runcDigests(files: ReadonlyMap<string, Buffer>, path: string): string {
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  return [...files]
    .filter(([name]) => name.startsWith(folder))
    .map(([name, content]) => {
      const digest = createHash('sha256').update(content).digest('hex');
      return `${digest}  ${name.slice(folder.length)}\n`;
    })
    .join('');
}
