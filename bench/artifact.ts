// The store of artifacts: what verifying costs over a bare streamed copy with SHA-256, and how often a file for many hosts is fetched.
import { createHash, randomFillSync } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  openSync,
  closeSync,
  fsyncSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ArtifactFetcher } from '#controllers/binaries/artifact-fetcher.ts';
import { fileSource } from '#controllers/binaries/artifact-source.ts';
import { ArtifactStore } from '#controllers/binaries/artifact-store.ts';
import { digestOfFile } from '#controllers/binaries/digest.ts';
import { HttpFetcher } from '#controllers/binaries/http-fetcher.ts';
import { STAGING_LIMITS, stageBinaries } from '#controllers/binaries/stage-binaries.ts';
import { newLocalUpload } from '#controllers/binaries/uploaded-binary.ts';
import { SimulatedHost } from '#controllers/hosts/sim/simulated-host.ts';
import { SimulatedMachine } from '#controllers/hosts/sim/simulated-machine.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { ArtifactServer } from '#test/support/artifact-server.ts';
import { figure, median, verdict } from './report.ts';

const FILE_BYTES = 256 << 20;
const ROUNDS = 5;
const HOSTS = 100;
const TARGET = 1.3;

function storeIn(folder: string): { fetcher: ArtifactFetcher; http: HttpFetcher } {
  const shared = { clock: systemClock, ids: systemIds };
  const http = new HttpFetcher({ ...shared, userAgent: 'bench', environment: {}, random: () => 0 });
  return { fetcher: new ArtifactFetcher(new ArtifactStore({ ...shared, folder }), http), http };
}

/** Durable at its end, as what it is compared with. @returns milliseconds */
async function bareCopy(from: string, to: string): Promise<number> {
  const started = performance.now();
  const hash = createHash('sha256');
  await pipeline(
    createReadStream(from, { highWaterMark: 1 << 20 }),
    async function* (source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(to, { flush: true }),
  );
  hash.digest('hex');
  return performance.now() - started;
}

async function verifiedCopy(from: string, folder: string, sha256: string): Promise<number> {
  const { fetcher, http } = storeIn(folder);
  const { signal } = new AbortController();
  const started = performance.now();
  await fetcher.ensure({ digest: { sha256 }, sources: [fileSource(from)] }, { signal });
  const took = performance.now() - started;
  await http[Symbol.asyncDispose]();
  return took;
}

function writeRandom(path: string, bytes: number): void {
  const file = openSync(path, 'w');
  const part = Buffer.alloc(1 << 20);
  for (let at = 0; at < bytes; at += part.length) writeSync(file, randomFillSync(part));
  fsyncSync(file);
  closeSync(file);
}

async function copies(folder: string, bytes: number): Promise<void> {
  const from = join(folder, 'file');
  writeRandom(from, bytes);
  const sha256 = await digestOfFile(from);
  const [bare, verified]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [copy, store] = [join(folder, 'copy'), join(folder, 'store')];
    bare.push(await bareCopy(from, copy));
    rmSync(copy);
    verified.push(await verifiedCopy(from, store, sha256));
    rmSync(store, { recursive: true });
  }
  const mebibytes = bytes / 2 ** 20;
  figure('bare copy with SHA-256', (mebibytes * 1000) / median(bare), 'MiB/s');
  figure('into the store, verified', (mebibytes * 1000) / median(verified), 'MiB/s');
  const ratio = median(verified) / median(bare);
  verdict('verified over bare', ratio, `≤ ${TARGET}`, ratio <= TARGET);
}

async function hosts(folder: string, bytes: number): Promise<void> {
  const ends: (() => unknown)[] = [];
  const server = await ArtifactServer.start({
    after: (end) => void ends.push(end as () => unknown),
  });
  const content = randomFillSync(Buffer.alloc(bytes));
  const sha256 = server.publish('/tool', content);
  const { fetcher, http } = storeIn(join(folder, 'hosts'));
  const parts = { fetcher, ids: systemIds };
  const fleet = Array.from({ length: HOSTS }, (_, index) => {
    const machine = new SimulatedMachine({ name: `host-${index}`, clock: systemClock });
    const host = {
      driver: new SimulatedHost(machine),
      os: 'linux',
      architecture: 'amd64',
      installPath: '/tool',
      installedVersion: () => undefined,
      runningVersion: () => undefined,
    };
    const wanted = { digest: { sha256 }, url: `${server.url}/tool` };
    return { name: machine.name, provider: newLocalUpload(host, wanted, parts) };
  });
  const started = performance.now();
  const { staged } = await stageBinaries(fleet, new AbortController().signal, {
    limits: STAGING_LIMITS,
  });
  figure(`staged on ${staged.size} hosts`, performance.now() - started, 'ms');
  const fetches = server.fetches('/tool');
  verdict('fetches for all of them', fetches, '= 1', fetches === 1);
  await http[Symbol.asyncDispose]();
  for (const end of ends) await end();
}

export async function benchArtifact(scale: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'windlass-bench-artifact-'));
  try {
    await copies(folder, Math.max(1, Math.round((FILE_BYTES * scale) / 2 ** 20)) << 20);
    await hosts(folder, Math.round((1 << 20) * scale));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
